#pragma once
#include <optional>
#include <string>

namespace callsheet {
inline namespace v1 {

/// The text of a file in a directory of scripts, at most a mebibyte. No name, and no link, leads out of the directory.
/// Nothing when there is no such file or it is none; Throws Error when the directory itself cannot be opened, and for a
/// file that is too long.
[[nodiscard]] std::optional<std::string> readScriptFile(const std::string& directory, const std::string& name);

}  // namespace v1
}  // namespace callsheet
