#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/verbs.h"
#include "jobs/task_status.h"
#include "jobs/transfer_report.h"

namespace callsheet {
inline namespace v1 {

/// How many bytes of a command's output stand in its result.
inline constexpr std::size_t resultTailBytes = 64u << 10;

/// What the end of a command's process means for its job: a success, or a failure with the type `exit`, `signal`,
/// `spawn`, `deadline`, `canceled` or `stopped`. `tail` is the end of its output.
[[nodiscard]] Verb verbOfEnd(const AttemptRef& attempt, const TaskStatus& status, const std::string& tail,
                             bool isCanceled, std::uint32_t random);

/// More than a script may give as its result, so that too much is seen.
inline constexpr std::size_t scriptResultBytesMax = (1u << 20) + (64u << 10);

/// The same of a script's process: what it wrote as its result counts; a failure that the script tells of has the type
/// `script`.
[[nodiscard]] Verb verbOfScriptEnd(const AttemptRef& attempt, const TaskStatus& status, const std::string& result,
                                   bool isCanceled, std::uint32_t random);

/// The same of a transfer's process, of the kind: what it said last counts.
[[nodiscard]] Verb verbOfTransferEnd(const AttemptRef& attempt, std::string_view kind, const TaskStatus& status,
                                     const std::optional<TransferReport>& report, bool isCanceled,
                                     std::uint32_t random);

/// It was begun, and its shim ended without a word of how it did: `lost`.
[[nodiscard]] Fail verbOfLoss(const AttemptRef& attempt, std::string_view kind, std::uint32_t random);

/// It could not be begun, for this reason: `spawn`, or `payload` when trying again is of no use.
[[nodiscard]] Fail verbOfFailedStart(const AttemptRef& attempt, std::string_view kind, const std::string& sentence,
                                     bool mayTryAgain, std::uint32_t random);

}  // namespace v1
}  // namespace callsheet
