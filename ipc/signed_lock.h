#pragma once
#include <chrono>
#include <string>

#include "ipc/ofd_lock.h"
#include "ipc/store_paths.h"

namespace callsheet {
inline namespace v1 {

/// A lock that is held for moments only and whose file names the holder meanwhile, so that nobody waits for a stopped
/// process without end or without knowing for whom. Move-only; not thread-safe. The directory must outlive it.
class SignedLock {
 public:
  struct Rule {
    /// Then it is an Error; long enough for the end of a holder that stands still.
    std::chrono::milliseconds patience = std::chrono::seconds{13};
    /// A holder that stands stopped or traced for so long, of the waiter's own awake time, is killed; the same as for
    /// one that was stopped inside a write.
    std::chrono::milliseconds stoppedLimit = std::chrono::seconds{10};
    bool mayBeKilled = true;  ///< this process, when it stands stopped as the holder
  };

  /// Opens or creates `path` below the store and waits for the lock. Throws Error unavailable, naming the holder.
  [[nodiscard]] static SignedLock acquire(const StoreDirectory& store, const char* path, const Rule& rule);
  [[nodiscard]] static SignedLock acquire(const StoreDirectory& store, const char* path) {
    return acquire(store, path, Rule{});
  }

  SignedLock(SignedLock&&) = default;
  SignedLock& operator=(SignedLock&&) = delete;
  ~SignedLock();

 private:
  explicit SignedLock(OfdLock lock) : lock_(std::move(lock)) {}
  OfdLock lock_;
};

}  // namespace v1
}  // namespace callsheet
