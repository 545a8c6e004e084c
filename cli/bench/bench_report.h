#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/json_output.h"

// What the bench measured, as numbers and in words.
namespace callsheet {
inline namespace v1 {

[[nodiscard]] double medianOf(std::vector<double> values);
/// The smallest value that at least `percent` of the values do not exceed. 0 of none.
[[nodiscard]] double percentileOf(std::vector<double> values, double percent);

/// What a row's value is to be.
struct BenchAim {
  double limit = 0;
  bool isAtLeast = true;  ///< false: at most
  std::string text;       ///< the aim in words; empty: the limit alone
};

/// One figure: its value over all repetitions, and one sample of each.
struct BenchRow {
  std::string group;
  std::string name;
  std::string unit;
  double value = 0;
  std::vector<double> samples;  ///< never empty
  std::optional<BenchAim> aim;

  [[nodiscard]] double min() const;
  [[nodiscard]] double max() const;
  /// True without an aim.
  [[nodiscard]] bool isReached() const;
};

/// All rows of one run, in the order of the table. Lives on the main thread.
class BenchReport {
 public:
  /// A row whose value is the median of its samples; without samples there is none.
  void add(const std::string& group, const std::string& name, const std::string& unit,
           const std::vector<double>& samples, std::optional<BenchAim> aim = {});
  /// A row of a percentile: its value is that of all repetitions together, its samples those of each.
  void addPercentile(const std::string& group, const std::string& name, const std::string& unit, double percent,
                     const std::vector<std::vector<double>>& repetitions, std::optional<BenchAim> aim = {});

  /// A sentence instead of a figure, such as why there is none.
  void note(const std::string& group, const std::string& sentence);

  [[nodiscard]] const std::vector<BenchRow>& rows() const { return rows_; }
  /// The table, and the notes below it.
  void print() const;
  /// An array of rows.
  [[nodiscard]] Json json() const;
  /// An array of the notes.
  [[nodiscard]] Json notesJson() const;

 private:
  struct Note {
    std::string group;
    std::string sentence;
  };
  std::vector<BenchRow> rows_;
  std::vector<Note> notes_;
};

}  // namespace v1
}  // namespace callsheet
