#include "ipc/process_watcher.h"

#include <cerrno>
#include <utility>

#include "ipc/pidfd.h"
#include "ipc/presence_lock.h"

namespace callsheet {
inline namespace v1 {

ProcessWatcher::Begin ProcessWatcher::watch(const StoreDirectory& store, IncarnationID incarnation, pid_t pid,
                                            std::function<void()> onExit) {
  watch_ = FdWatch();
  if (pid <= 0) return Begin::blind;
  process_ = openPidfd(pid);
  const bool isGone = !process_.isOpen() && errno == ESRCH;
  if (presenceStateOf(store, incarnation) != PresenceState::held || isGone) return Begin::dead;
  if (!process_.isOpen()) return Begin::blind;
  watch_ = loop_.watchFd(process_.number(), [this, call = std::move(onExit)] {
    const auto once = call;  // outlives this watcher, and the watch that `call` belongs to
    watch_ = FdWatch();
    once();
  });
  return Begin::watching;
}

}  // namespace v1
}  // namespace callsheet
