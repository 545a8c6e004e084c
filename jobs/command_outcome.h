#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "callsheet/archive_dispatch.h"

namespace callsheet {
inline namespace v1 {

/// The result of a command job, for success and failure alike. Exactly one of exitCode and signal is set, unless it
/// never ran.
struct CommandOutcome {
  std::optional<int> exitCode;
  std::optional<int> signal;
  std::string output;  ///< the last 64 KiB of output and error in order; what is not UTF-8 is replaced
  std::uint64_t truncatedBytes = 0;
  std::int64_t durationMs = 0;
  std::optional<std::string> startedAt;  ///< ISO 8601, as its shim wrote them down
  std::optional<std::string> finishedAt;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(exitCode), CEREAL_NVP(signal), CEREAL_NVP(output), CEREAL_NVP(truncatedBytes),
            CEREAL_NVP(durationMs), CEREAL_NVP(startedAt), CEREAL_NVP(finishedAt));
  }
};

}  // namespace v1
}  // namespace callsheet
