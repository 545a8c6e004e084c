#pragma once
#include <functional>
#include <string>
#include <vector>

#include "director/store_access.h"
#include "ipc/doorbell.h"
#include "ipc/event_loop.h"
#include "ipc/presence_lock.h"

namespace callsheet {
inline namespace v1 {

/// Registers an executor in the store, and has the principal watch over it. Throws Error: invalid when it was refused,
/// unavailable when nobody can say.
void registerExecutor(StoreAccess& access, IncarnationID incarnation, const std::string& name,
                      std::vector<std::string> kinds);

/// One incarnation of somebody who takes jobs out of the principal's queue: presence, bell and the row in the store.
/// With or without a principal alive. Thread-safe as far as its callers' own life is.
class ExecutorLife {
 public:
  /// Registers; throws Error. `onRing` comes on the loop's thread when there may be something to claim, or one of its
  /// attempts is asked to end.
  ExecutorLife(StoreAccess& access, EventLoop& loop, const std::string& name, std::vector<std::string> kinds,
               std::function<void()> onRing);
  ~ExecutorLife();
  ExecutorLife(const ExecutorLife&) = delete;
  ExecutorLife& operator=(const ExecutorLife&) = delete;

  [[nodiscard]] IncarnationID incarnation() const { return incarnation_; }
  /// Closes it in the store; the verdict's sentence when that did not succeed, and the principal will do it.
  [[nodiscard]] std::string close();

 private:
  StoreAccess& access_;
  const IncarnationID incarnation_;
  PresenceLock presence_;
  DoorbellSocket bell_;
  FdWatch bellWatch_;
};

}  // namespace v1
}  // namespace callsheet
