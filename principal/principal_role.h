#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/once_per_sentence.h"
#include "ipc/doorbell.h"
#include "ipc/principal_lock.h"
#include "principal/adoption.h"
#include "principal/scheduler.h"
#include "principal/sweeps.h"

namespace callsheet {
inline namespace v1 {

/// What makes a director the principal: the store's one principal.lock, the bells, adoption, schedules and the sweeps.
/// Entered and left on the caller's thread; look() and tick() run on the loop's.
class PrincipalRole {
 public:
  struct Place {
    const StoreDirectory& directory;
    LmdbJobStore& store;
    EventLoop& loop;
    Board& board;
  };

  /// Takes the lock and registers. Throws Error(conflict) naming the living principal's process.
  PrincipalRole(const Place& place, IncarnationID self, std::vector<std::string> kinds, Sweeps::Options options,
                std::function<void()> onRing);
  ~PrincipalRole();

  /// Begins to adopt, to sweep and to hear.
  void begin();
  void tick();
  /// Ends adopting, so that the incarnation can be closed.
  void leave();

 private:
  void adoptFromFormerPrincipals();
  void rung();
  void lookAround();

  Place place_;
  IncarnationID self_;
  std::function<void()> onRing_;
  OncePerSentence troubles_;
  PrincipalLock lock_;
  DoorbellSocket bell_;
  FdWatch bellWatch_;
  Adoption adoption_;
  SystemClock clock_;
  Scheduler scheduler_;
  Sweeps sweeps_;
};

}  // namespace v1
}  // namespace callsheet
