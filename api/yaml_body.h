#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "api/json.h"

namespace callsheet {
inline namespace v1 {

/// How many values, keys included, one YAML body may have.
inline constexpr std::size_t yamlNodesMax = 100'000;

/// parseBody's YAML half, for text that is valid UTF-8 without a byte order mark.
[[nodiscard]] Json parseYaml(std::string_view text);

/// printBody's YAML half: block style, with quotes around every text that some reader, of YAML 1.1 too, could take for
/// something else.
[[nodiscard]] std::string printYaml(const Json& value);

/// A plain (unquoted) scalar by YAML 1.2's core schema: null, a boolean, a number, or its text. Throws Error(invalid)
/// for numbers that do not fit and for those that are not finite.
[[nodiscard]] Json plainYaml(const std::string& text);

}  // namespace v1
}  // namespace callsheet
