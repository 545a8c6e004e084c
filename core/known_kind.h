#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callsheet/job_types.h"

namespace callsheet {
inline namespace v1 {

/// A kind as whoever runs it names it: `KIND@N` reads jobs of its versions up to N and leaves later ones to others;
/// `KIND` alone is `KIND@1`.
struct KnownKind {
  std::string_view kind;
  std::uint32_t version = 1;

  /// Nothing when the text is neither.
  [[nodiscard]] static std::optional<KnownKind> parse(std::string_view text);
};

/// Whether one of the texts knows that version of that kind.
[[nodiscard]] bool knows(const std::vector<std::string>& knownKinds, std::string_view kind, std::uint32_t version);

/// All that a process can run, each as its text; with commands, or without; with scripts and transfers, which the
/// `callsheet` command prepares, or without.
[[nodiscard]] std::vector<std::string> knownKindsOf(const JobTypes& types, bool runsCommands, bool hasProgram);

}  // namespace v1
}  // namespace callsheet
