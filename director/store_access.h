#pragma once
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "callsheet/log.h"
#include "core/doorbell.h"
#include "ipc/store_paths.h"
#include "store/lmdb_job_store.h"

namespace callsheet {
inline namespace v1 {

/// One opening of a store by name: its directory, its rows, its bells, with this process shown on the board when it
/// writes. What directors and the command stand on. Thread-safe.
class StoreAccess {
 public:
  struct Options {
    bool create = true;
    std::size_t mapBytes = 0;
    bool allowForeignFilesystem = false;
    bool mayBeKilledAsWriter = true;
    /// A process that stands stopped in a write, or while it opens the store, is killed after so long.
    std::chrono::milliseconds writerLimit = std::chrono::seconds{10};
    /// For who has no director, whose loop does it: a thread of the access looks for stopped writers while a commit
    /// waits and no principal lives, and tells here what it finds. Empty: nobody looks.
    LogSink lookForStoppedWriters;
  };
  /// Throws Error; every refusal says what to do.
  [[nodiscard]] static std::shared_ptr<StoreAccess> open(const std::string& location, std::string_view id,
                                                         const Options& options);
  virtual ~StoreAccess() = default;

  [[nodiscard]] virtual const StoreDirectory& directory() const = 0;
  [[nodiscard]] virtual LmdbJobStore& store() const = 0;
  /// The store rings it after each commit by itself; for what is not a commit.
  [[nodiscard]] virtual Doorbell& doorbell() const = 0;
  /// Whether a commit of this opening waits for the write lock: as long as it does, closing the store waits too.
  [[nodiscard]] virtual bool isWaitingToWrite() const = 0;
};

}  // namespace v1
}  // namespace callsheet
