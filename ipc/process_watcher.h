#pragma once
#include <sys/types.h>

#include <functional>

#include "callsheet/uuid.h"
#include "ipc/event_loop.h"
#include "ipc/file_descriptor.h"
#include "ipc/store_paths.h"

namespace callsheet {
inline namespace v1 {

/// Tells when the process behind a presence ends. Made, used and destroyed on the loop's thread, or through
/// EventLoop::run.
class ProcessWatcher {
 public:
  enum class Begin {
    watching,  ///< onExit comes when the process has ended
    dead,      ///< it has ended already; onExit does not come
    blind,     ///< the kernel gave no pidfd: only looking at the presence helps
  };

  explicit ProcessWatcher(EventLoop& loop) : loop_(loop) {}
  ProcessWatcher(const ProcessWatcher&) = delete;
  ProcessWatcher& operator=(const ProcessWatcher&) = delete;

  /// Opens a pidfd and only then looks whether the presence is still held: if so, the pidfd is the holder's and not a
  /// later process's with the same pid. `onExit` is called once, on the loop's thread; it may destroy this watcher.
  [[nodiscard]] Begin watch(const StoreDirectory& store, IncarnationID incarnation, pid_t pid,
                            std::function<void()> onExit);

 private:
  EventLoop& loop_;
  FileDescriptor process_;
  FdWatch watch_;  // after process_: a watch goes before its descriptor
};

}  // namespace v1
}  // namespace callsheet
