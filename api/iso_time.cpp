#include "api/iso_time.h"

#include "callsheet/errors.h"
#include "core/duration_text.h"

namespace callsheet {
inline namespace v1 {

std::string formatUtcMicros(std::int64_t utcMicros) {
  std::string text = formatUtc(utcMicros);
  const std::int64_t rest = ((utcMicros % 1'000) + 1'000) % 1'000;
  std::string micros = std::to_string(rest);
  micros.insert(0, 3 - micros.size(), '0');
  text.insert(text.size() - 1, micros);  // before the Z
  return text;
}

std::int64_t parseTime(std::string_view text) {
  constexpr std::size_t dayLength = 10;   // 2023-05-04
  constexpr std::size_t timeLength = 19;  // 2023-05-04T15:30:43
  constexpr std::size_t longest = 64;
  if (text.size() > longest) throw Error(ErrorKind::invalid, "The time is longer than any time is.");
  std::string complete(text);
  if (text.size() == dayLength) {
    complete += "T00:00:00Z";
  } else if (text.size() >= timeLength && text.find_first_of("Zz+-", timeLength) == text.npos) {
    complete += "Z";
  }
  try {
    return parseUtc(complete);
  } catch (const Error& error) {
    // The sentence, about what was given.
    std::string sentence = error.what();
    if (const auto at = sentence.find("'" + complete + "'"); at != sentence.npos)
      sentence.replace(at + 1, complete.size(), text);
    throw Error(error.kind(), sentence);
  }
}

}  // namespace v1
}  // namespace callsheet
