#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "callsheet/archive_dispatch.h"
#include "callsheet/job_types.h"
#include "core/names.h"
#include "ipc/store_paths.h"

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

  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(exitCode), CEREAL_NVP(signal), CEREAL_NVP(output), CEREAL_NVP(truncatedBytes),
            CEREAL_NVP(durationMs));
  }
};

/// The kinds in the box: what every daemon can run. The attempts' locks lie in the store's `tasks` directory. How long
/// an attempt waits there for what is left of an earlier one, before it is given back.
[[nodiscard]] JobTypes builtinTypes(const StoreDirectory& directory,
                                    std::chrono::milliseconds lockPatience = std::chrono::seconds{15});

/// The file of a job's attempts in that directory.
[[nodiscard]] std::string attemptLockName(JobID job);

}  // namespace v1
}  // namespace callsheet
