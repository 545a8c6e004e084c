#include "ipc/fork_guard.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <vector>

namespace callsheet {
inline namespace v1 {

namespace {

// One for the process, because fork() is a matter of the process. `prepare` takes the mutex in the forking thread, so
// the child finds the list whole and no descriptor between its opening and its entry.
struct Registry {
  std::mutex mutex;
  std::vector<int> descriptors;
  int nothing = -1;  // stands in for the closed ones in a child
};

// Never destroyed: a fork may come while static objects are going.
Registry& registry() {
  static Registry* const only = [] {
    auto* made = new Registry;
    // An O_PATH descriptor can neither be locked nor read nor written.
    made->nothing = ::open("/", O_PATH | O_CLOEXEC);
    return made;
  }();
  return *only;
}

void beforeFork() {
  registry().mutex.lock();
}
void inParent() {
  registry().mutex.unlock();
}

// Only what may be called between fork and exec in a process with threads: no allocation, no lock but our own.
void inChild() {
  Registry& all = registry();
  for (const int descriptor : all.descriptors)
    if (all.nothing < 0 || ::dup3(all.nothing, descriptor, O_CLOEXEC) < 0) ::close(descriptor);
  all.mutex.unlock();
}

Registry& watchedRegistry() {
  static const int installed = [] {
    registry();
    return ::pthread_atfork(beforeFork, inParent, inChild);
  }();
  static_cast<void>(installed);
  return registry();
}

}  // namespace

ForkGuardedDescriptor ForkGuardedDescriptor::open(const std::function<int()>& open) {
  Registry& all = watchedRegistry();
  ForkGuardedDescriptor guarded;
  const std::lock_guard lock(all.mutex);
  all.descriptors.reserve(all.descriptors.size() + 1);
  guarded.descriptor_ = open();
  if (guarded.descriptor_ >= 0) all.descriptors.push_back(guarded.descriptor_);
  return guarded;
}

ForkGuardedDescriptor& ForkGuardedDescriptor::operator=(ForkGuardedDescriptor&& other) noexcept {
  if (this != &other) {
    close();
    descriptor_ = std::exchange(other.descriptor_, -1);
  }
  return *this;
}

void ForkGuardedDescriptor::close() {
  if (descriptor_ < 0) return;
  const int keptErrno = errno;
  Registry& all = watchedRegistry();
  const std::lock_guard lock(all.mutex);
  const auto place = std::find(all.descriptors.begin(), all.descriptors.end(), descriptor_);
  if (place != all.descriptors.end()) all.descriptors.erase(place);
  ::close(std::exchange(descriptor_, -1));
  errno = keptErrno;
}

}  // namespace v1
}  // namespace callsheet
