#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace callsheet {
inline namespace v1 {

/// Told while bytes move: how many there are by now, and of how many, where that is known.
using TellBytes = std::function<void(std::uint64_t bytes, std::optional<std::uint64_t> total)>;

// What the jobs of the kinds callsheet.download, .upload and .request do, on the caller's thread; include/callsheet/
// transfers.h says what for. `parameters` and the result are JSON. `id` is told to the far side. What fails them is
// thrown as a JobError.

/// {"url", "path", "headers", "sha256", "bytesMax"} gives {"path", "bytes", "etag"}. Goes on where an earlier attempt
/// stopped, if the far side still has that version. What can be of no use any more is removed. `tell` is first called
/// when its file on the way is its own.
[[nodiscard]] std::string download(const std::string& parameters, const std::string& id, const TellBytes& tell);
/// {"url", "path", "method", "headers", "resumes"} gives {"status", "contentType", "body"}.
[[nodiscard]] std::string upload(const std::string& parameters, const std::string& id, const TellBytes& tell);
/// {"url", "method", "headers", "text"} gives the same.
[[nodiscard]] std::string makeRequest(const std::string& parameters, const std::string& id);

/// The files that a download with these parameters needs on its way; none for any others.
[[nodiscard]] std::vector<std::string> filesOnTheWay(const std::string& parameters);

}  // namespace v1
}  // namespace callsheet
