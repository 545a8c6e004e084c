#pragma once
#include <string>

namespace callsheet {
inline namespace v1 {

/// The token in the file, without the line's end; when there is no file, one is made, mode 0600, with 32 random bytes
/// in hex. Processes that do so at the same time all get the same. Throws Error: permission (another user's, or open to
/// others), invalid (no regular file, no token in it), io.
[[nodiscard]] std::string readOrMakeToken(const std::string& path);

}  // namespace v1
}  // namespace callsheet
