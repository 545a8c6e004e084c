#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include "ipc/process_state.h"
#include "store/lmdb_job_store.h"

namespace callsheet {
inline namespace v1 {

/// Finds processes that were stopped with a snapshot in their hands: as long as they stand, nothing that was freed
/// since can be used again and the store's file grows. Pure: time, readers and process states are given to it. Not
/// thread-safe; for the principal's loop.
class StoppedReaders {
 public:
  /// `limit`: how long it must stand, of the caller's own awake time. `period`: how often look() is going to be called.
  StoppedReaders(std::chrono::nanoseconds limit, std::chrono::nanoseconds period) : limit_(limit), period_(period) {}

  struct Found {
    pid_t pid = 0;
    std::uint64_t startTime = 0;
    char processLetter = '?';
    friend bool operator==(const Found&, const Found&) = default;
  };
  using StateOf = std::function<std::optional<ProcessState>(pid_t)>;

  /// Who stands stopped since `limit` in one and the same snapshot that is older than the last commit; told again at
  /// each look until it is gone or goes on.
  [[nodiscard]] std::vector<Found> look(std::int64_t nowNanos, std::uint64_t lastCommit,
                                        std::span<const SnapshotReader> readers, const StateOf& stateOf = processState);

 private:
  struct Standing {
    pid_t pid = 0;
    std::uint64_t startTime = 0;
    std::uint64_t snapshot = 0;
    friend auto operator<=>(const Standing&, const Standing&) = default;
  };

  std::chrono::nanoseconds limit_;
  std::chrono::nanoseconds period_;
  std::int64_t awakeNanos_ = 0;
  std::optional<std::int64_t> lastLook_;
  std::map<Standing, std::int64_t> since_;  // awakeNanos_ when it was first seen so
};

}  // namespace v1
}  // namespace callsheet
