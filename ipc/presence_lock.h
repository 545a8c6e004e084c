#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "callsheet/uuid.h"
#include "ipc/ofd_lock.h"
#include "ipc/presence_info.h"
#include "ipc/store_paths.h"

namespace callsheet {
inline namespace v1 {

/// The kernel's proof that an incarnation lives: a locked file run/a/UUID.lock. It is written and locked before it gets
/// that name, so a file at its final name that can be locked is a dead one, always. Move-only; not thread-safe. The
/// directory must outlive it.
class PresenceLock {
 public:
  /// Throws Error conflict when this incarnation has been present before: an incarnation is used once. On a full disk
  /// the file stays empty and names nobody.
  [[nodiscard]] static PresenceLock acquire(const StoreDirectory& store, IncarnationID incarnation,
                                            const PresenceInfo& info);

  PresenceLock(PresenceLock&&) = default;
  PresenceLock& operator=(PresenceLock&&) = default;
  /// Lets go of the lock and leaves the file, so that the principal finds this incarnation dead. In a forked child:
  /// nothing.
  ~PresenceLock() = default;

  [[nodiscard]] IncarnationID incarnation() const { return incarnation_; }
  /// For an incarnation that is closed in the store and has nothing left there: nobody need look at it again.
  void releaseAndUnlink();

 private:
  PresenceLock(const StoreDirectory& store, IncarnationID incarnation, OfdLock lock, std::uint64_t forkGeneration)
      : store_(&store), incarnation_(incarnation), lock_(std::move(lock)), forkGeneration_(forkGeneration) {}

  const StoreDirectory* store_;
  IncarnationID incarnation_;
  OfdLock lock_;
  std::uint64_t forkGeneration_;
};

/// A dead incarnation's presence, held so that it stays dead. Letting go without unlink() leaves it to be found again.
class DeadPresence {
 public:
  [[nodiscard]] IncarnationID incarnation() const { return incarnation_; }
  [[nodiscard]] const PresenceInfo& info() const { return info_; }
  /// After the last slice of its jobs was adopted: removes the file and its bell, then lets go.
  void unlink();

 private:
  friend std::optional<DeadPresence> tryTakeDead(const StoreDirectory& store, IncarnationID incarnation);
  DeadPresence(const StoreDirectory& store, IncarnationID incarnation, PresenceInfo info, OfdLock lock)
      : store_(&store), incarnation_(incarnation), info_(std::move(info)), lock_(std::move(lock)) {}

  const StoreDirectory* store_;
  IncarnationID incarnation_;
  PresenceInfo info_;
  OfdLock lock_;
};

enum class PresenceState {
  absent,  ///< no file: it was unlinked, or never made
  held,    ///< somebody holds the lock: alive, or being adopted
  free,    ///< dead
};

struct Presence {
  IncarnationID incarnation;
  PresenceInfo info;
  bool held = false;
};

/// All presences, dead ones too; takes no lock. Anything else in the directory is passed over, symbolic links above
/// all.
[[nodiscard]] std::vector<Presence> listPresences(const StoreDirectory& store);
[[nodiscard]] PresenceState presenceStateOf(const StoreDirectory& store, IncarnationID incarnation);
/// Nothing while somebody holds it, or when there is no such file. For the principal.
[[nodiscard]] std::optional<DeadPresence> tryTakeDead(const StoreDirectory& store, IncarnationID incarnation);
/// Removes what killed processes left under temporary names; returns how many. For the principal.
std::size_t removeAbandonedPresences(const StoreDirectory& store);

}  // namespace v1
}  // namespace callsheet
