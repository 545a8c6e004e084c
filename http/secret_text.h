#pragma once
#include <string>

namespace callsheet {
inline namespace v1 {

/// The text with ${env:NAME} and ${file:PATH} in it replaced by that variable of this process's environment and that
/// file's first line. They are looked up at each call and stored nowhere. Throws Error(notFound) "missing NAME" for
/// what is not there, and Error(invalid) for a value that could end a header's line.
[[nodiscard]] std::string withSecrets(const std::string& text);

}  // namespace v1
}  // namespace callsheet
