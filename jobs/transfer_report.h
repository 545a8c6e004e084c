#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "callsheet/archive_dispatch.h"
#include "callsheet/job_failure.h"

namespace callsheet {
inline namespace v1 {

/// What the process of a transfer says of itself, in the file of its result: each time in place of what it said before.
struct TransferReport {
  double share = 0;    ///< done, 0..1; 0 too where the whole is not known
  std::string text{};  ///< the same for people
  std::vector<std::string>
      files{};  ///< on its way, of no use to anybody when it is canceled; the last one is locked by its writer
  std::optional<std::string> result{};  ///< at the end of a good one: JSON
  std::optional<JobFailure> failure{};  ///< at the end of another; its origin is empty
  std::string leftover{};               ///< JSON that it leaves although it failed
  bool isRetryable = true;
  std::int64_t leastDelayMicros = 0;  ///< the next attempt begins no sooner

  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(share), CEREAL_NVP(text), CEREAL_NVP(files), CEREAL_NVP(result), CEREAL_NVP(failure),
            CEREAL_NVP(leftover), CEREAL_NVP(isRetryable), CEREAL_NVP(leastDelayMicros));
  }
};

/// Those of a transfer that was canceled. Where another transfer writes them by now they are left to it.
void removeFilesOf(const TransferReport& report);

/// More than a report takes.
inline constexpr std::size_t transferReportBytesMax = 4u << 20;

/// Nothing for a text that is none, which one is for a moment that is just being replaced.
[[nodiscard]] std::optional<TransferReport> transferReportFrom(const std::string& text);

}  // namespace v1
}  // namespace callsheet
