#pragma once
#include <chrono>
#include <optional>

#include "callsheet/uuid.h"
#include "ipc/ofd_lock.h"
#include "ipc/presence_info.h"
#include "ipc/store_paths.h"

namespace callsheet {
inline namespace v1 {

/// The right to be the store's only principal: principal.lock, held for life, across processes and within one. Its file
/// names the holder for whoever comes second, and stays when it is let go. Move-only; not thread-safe.
class PrincipalLock {
 public:
  /// Nothing when another principal holds it; holder() then says who.
  [[nodiscard]] static std::optional<PrincipalLock> tryAcquire(const StoreDirectory& store, IncarnationID incarnation,
                                                               const PresenceInfo& info);
  /// Tries again until the time is over.
  [[nodiscard]] static std::optional<PrincipalLock> acquireWithin(const StoreDirectory& store,
                                                                  IncarnationID incarnation, const PresenceInfo& info,
                                                                  std::chrono::nanoseconds patience);
  /// Sleeps until the present holder is gone, without ever waking up; for a standby's own thread.
  [[nodiscard]] static PrincipalLock acquire(const StoreDirectory& store, IncarnationID incarnation,
                                             const PresenceInfo& info);

  /// Who holds it now; pid 0 when it does not say or is just changing hands. Nothing when nobody does.
  [[nodiscard]] static std::optional<PresenceInfo> holder(const StoreDirectory& store);

 private:
  explicit PrincipalLock(OfdLock lock) : lock_(std::move(lock)) {}
  [[nodiscard]] static PrincipalLock signedBy(OfdLock lock, IncarnationID incarnation, const PresenceInfo& info);

  OfdLock lock_;
};

}  // namespace v1
}  // namespace callsheet
