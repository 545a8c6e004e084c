#pragma once
#include <string_view>

#include "callsheet/job_state.h"

namespace callsheet {
inline namespace v1 {

/// Whether `name` may name a director, a queue, a label or a store: 1 to 64 of [A-Za-z0-9._-], not starting with a dot.
/// Such a name is also a safe file name.
[[nodiscard]] bool isValidName(std::string_view name);

/// Whether `kind` may name a kind of job: 1 to 128 of the same letters and '/', where every part between slashes is
/// there and does not start with a dot.
[[nodiscard]] bool isValidKind(std::string_view kind);

/// Names and kinds hold no control characters, so one with this behind it comes just behind it in every order.
inline constexpr char behindName = '\x01';

/// The kind of the jobs that run a command.
inline constexpr const char* commandKind = "callsheet.command";
/// The kind of the jobs that execute a script.
inline constexpr const char* scriptKind = "callsheet.script";
/// The kind of the jobs that make an HTTP request.
inline constexpr const char* httpKind = "callsheet.http";
/// The kinds of the jobs that move a file, or make an HTTP request, in a process of their own.
inline constexpr const char* downloadKind = "callsheet.download";
inline constexpr const char* uploadKind = "callsheet.upload";
inline constexpr const char* requestKind = "callsheet.request";
[[nodiscard]] bool isTransferKind(std::string_view kind);
/// Whether attempts at jobs of the kind are held by a shim.
[[nodiscard]] bool runsUnderShim(std::string_view kind);

/// Whether `kind` begins with `callsheet.`, which is ours, and is none that this version knows.
[[nodiscard]] bool isReservedKind(std::string_view kind);

/// How jobs of that kind run.
[[nodiscard]] Runner runnerOf(std::string_view kind);

}  // namespace v1
}  // namespace callsheet
