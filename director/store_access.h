#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "core/doorbell.h"
#include "ipc/store_paths.h"
#include "store/lmdb_job_store.h"

namespace callsheet {
inline namespace v1 {

/// One opening of a store by name: its directory, its rows, its bells, with this process entered on the board as a
/// writer. What directors and the command stand on. Thread-safe.
class StoreAccess {
 public:
  struct Options {
    bool create = true;
    std::size_t mapBytes = 0;
    bool allowForeignFilesystem = false;
    bool mayBeKilledAsWriter = true;
  };
  /// Throws Error; every refusal says what to do.
  [[nodiscard]] static std::shared_ptr<StoreAccess> open(const std::string& location, std::string_view id,
                                                         const Options& options);
  virtual ~StoreAccess() = default;

  [[nodiscard]] virtual const StoreDirectory& directory() const = 0;
  [[nodiscard]] virtual LmdbJobStore& store() const = 0;
  /// The store rings it after each commit by itself; for what is not a commit.
  [[nodiscard]] virtual Doorbell& doorbell() const = 0;
};

}  // namespace v1
}  // namespace callsheet
