#pragma once
#include <cstddef>
#include <optional>
#include <string>

#include "cli/session.h"

namespace callsheet {
inline namespace v1 {

/// Which part of a command's output is printed, and for how long.
struct OutputChoice {
  bool errors = false;               ///< stderr, where it is kept apart
  bool follow = false;               ///< until the job is over
  std::optional<std::size_t> lines;  ///< only the last ones; nothing: all that is kept
};

/// Prints what a job's command printed, raw, from its task's files; where they are gone, the end that stands in its
/// result. With --json as text without escape sequences: the last mebibyte, or while following a piece a line. The exit
/// code.
[[nodiscard]] int printTaskOutput(Session& session, const std::string& id, const OutputChoice& choice);

/// The text without what steers a terminal: CSI, OSC and other escape sequences.
[[nodiscard]] std::string withoutEscapes(const std::string& text);

}  // namespace v1
}  // namespace callsheet
