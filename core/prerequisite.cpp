#include "callsheet/prerequisite.h"

#include <array>
#include <string>

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::array<std::string_view, 3> words{"success", "failure", "always"};
}

std::string_view toString(EndCondition condition) {
  const auto index = static_cast<std::size_t>(condition);
  return index < words.size() ? words[index] : "unknown";
}

EndCondition endConditionFrom(std::string_view word) {
  for (std::size_t i = 0; i < words.size(); ++i)
    if (words[i] == word) return static_cast<EndCondition>(i);
  throw Error(ErrorKind::invalid, "'" + std::string(word) + "' is not a condition: success, failure or always");
}

}  // namespace v1
}  // namespace callsheet
