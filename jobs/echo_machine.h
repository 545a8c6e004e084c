#pragma once
#include <chrono>
#include <string>
#include <vector>

namespace callsheet {
inline namespace v1 {

struct EchoStatement {
  enum class What { echo, log, sleep, end, raise };
  What what = What::echo;
  std::string text{};   ///< what is printed
  std::string level{};  ///< of a log line
  std::chrono::microseconds pause{0};
};

enum class EchoEnd {
  normal,
  raised,  ///< by RAISE, or because the cleanup took too long
  stopped
};

/// The statements of the echo machine, one a line: `ECHO text`, `LOG level text`, `SLEEP seconds`, `RETURN n`,
/// `RAISE text`, `USE shared|exclusive name…`, which is checked and locks nothing, and `CLEANUP`, behind which stands
/// what runs however the rest ends. Their words may be written in any case; lines that are empty or begin with # say
/// nothing.
class EchoProgram {
 public:
  /// Throws Error(invalid), naming the line, for what is no statement: nothing of such a program runs.
  explicit EchoProgram(const std::vector<std::string>& lines);

  struct Surroundings {
    int output = 1;  ///< a descriptor that waits when it is full
    int stop = -1;   ///< readable when the run is asked to end; nothing is read there
    /// Less than a shim's grace, so that the cleanup of a run that was stopped can still say that it took too long.
    std::chrono::milliseconds cleanupMax = std::chrono::seconds{4};
  };
  /// Throws Error when the output cannot be written.
  [[nodiscard]] EchoEnd run(const Surroundings& surroundings) const;

 private:
  std::vector<EchoStatement> main_;
  std::vector<EchoStatement> cleanup_;
};

}  // namespace v1
}  // namespace callsheet
