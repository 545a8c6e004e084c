#pragma once
#include <string_view>

namespace callsheet {
inline namespace v1 {

/// Writes all of it, however often it is interrupted. False with errno when a part cannot be written.
[[nodiscard]] bool writeAll(int descriptor, std::string_view bytes);

}  // namespace v1
}  // namespace callsheet
