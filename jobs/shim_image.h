#pragma once
#include <string_view>

namespace callsheet {
inline namespace v1 {

/// The bytes of the shim's program, which this library carries with it.
[[nodiscard]] std::string_view shimImage();

}  // namespace v1
}  // namespace callsheet
