#pragma once
#include <cstddef>
#include <memory>
#include <string>

namespace callsheet {
inline namespace v1 {

inline constexpr std::size_t patternBytesMax = 256;
inline constexpr std::size_t patternTextBytesMax = 1024;

/// An ECMAScript pattern without look-ahead, back-references and `\c`, which looks for a match anywhere in a text, byte
/// by byte, in time proportional to size() times the text's length.
class SchemaPattern {
 public:
  /// Throws Error(invalid) with the reason.
  explicit SchemaPattern(const std::string& pattern);

  /// For texts of at most patternTextBytesMax.
  [[nodiscard]] bool matches(const std::string& text) const;
  /// How many letters there are, repeats counted out.
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
  std::size_t size_;
};

}  // namespace v1
}  // namespace callsheet
