#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/doorbell.h"
#include "core/fork_generation.h"
#include "ipc/fork_guard.h"
#include "ipc/principal_lock.h"
#include "ipc/store_paths.h"

namespace callsheet {
inline namespace v1 {

/// The hearing end of a bell: a Unix datagram socket in run/bells. Becomes readable when it was rung; drain it, *then*
/// read the store. Move-only; not thread-safe. The directory must outlive it.
class DoorbellSocket {
 public:
  /// A director's or executor's own bell. Throws Error conflict when this incarnation has had one.
  [[nodiscard]] static DoorbellSocket bind(const StoreDirectory& store, IncarnationID incarnation);
  /// An executor's: its own, and rung too when something comes into the principal's queue.
  [[nodiscard]] static DoorbellSocket bindExecutor(const StoreDirectory& store, IncarnationID incarnation);
  /// The principal's bell, beside its own; takes the place of a dead principal's. The lock is the permission to do
  /// that: destroy the bell before it.
  [[nodiscard]] static DoorbellSocket bindPrincipal(const StoreDirectory& store, const PrincipalLock& lock);
  /// A bell for who watches without owning anything; rung by ringObservers() and ringAll().
  [[nodiscard]] static DoorbellSocket bindObserver(const StoreDirectory& store);

  DoorbellSocket(DoorbellSocket&&) = default;
  DoorbellSocket& operator=(DoorbellSocket&& other) noexcept;
  ~DoorbellSocket() { close(); }

  /// Non-blocking; for EventLoop::watchFd or poll().
  [[nodiscard]] int descriptor() const { return socket_.number(); }
  /// Takes off all rings that are waiting; whether there were any.
  bool drain();
  /// Ends hearing and removes the file. In a forked child: nothing.
  void close() noexcept;

 private:
  explicit DoorbellSocket(const StoreDirectory& store) : store_(&store), forkGeneration_(forkGeneration()) {}
  [[nodiscard]] static DoorbellSocket bindAt(const StoreDirectory& store, const std::string& name, bool replace);

  const StoreDirectory* store_;
  std::uint64_t forkGeneration_;
  ForkGuardedDescriptor socket_;
  std::string path_;        // below the store
  std::string secondPath_;  // the same socket's name among the executors'; empty for others
  ino_t inode_ = 0;         // of the file at path_, so that a successor's is never removed
};

/// The principal's bell as a path below its store, for who rings without opening one.
[[nodiscard]] std::string principalBell();

/// Removes the bell that a dead incarnation left, if any.
void removeBell(const StoreDirectory& store, IncarnationID dead);

/// The ringing end: sends an empty sign to whoever listens, and forgets it if nobody does. Thread-safe. The directory
/// must outlive it.
class SocketDoorbell final : public Doorbell {
 public:
  explicit SocketDoorbell(const StoreDirectory& store) : store_(store) {}

  void ring(IncarnationID incarnation) noexcept override;
  void ringPrincipal() noexcept override;
  void ringAll() noexcept override;
  void ringObservers() noexcept override;

 private:
  enum class Heard { yes, nobody, unknown };
  using Names = std::vector<std::string>;

  Heard send(const std::string& name);
  [[nodiscard]] Heard sendThroughKept(const std::string& name);
  [[nodiscard]] Heard connectAndSend(const std::string& name);
  void ringListed(const std::function<bool(const std::string&)>& wanted);
  [[nodiscard]] std::shared_ptr<const Names> names();

  const StoreDirectory& store_;
  std::mutex mutex_;
  // Under mutex_: what stands in run/bells, at most a second old.
  std::shared_ptr<const Names> names_;
  std::int64_t namesReadAt_ = 0;  // nowNanos()
  std::mutex keptMutex_;
  // Under keptMutex_: connected sockets by name, because resolving a path costs more than the ring itself. They die
  // with the bell that they lead to, and then refuse.
  std::map<std::string, FileDescriptor> kept_;
};

}  // namespace v1
}  // namespace callsheet
