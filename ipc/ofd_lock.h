#pragma once
#include <chrono>
#include <string>

#include "ipc/fork_guard.h"

namespace callsheet {
inline namespace v1 {

/// An exclusive kernel lock on a file that belongs to the *open file description* it was taken through: it excludes
/// within one process too and goes away exactly when its owner closes it or dies. Move-only; not thread-safe.
///
/// Neither Boost.Interprocess's file_lock nor plain fcntl() locks will do: both belong to the process, so a second one
/// in the same process always succeeds, and both are dropped as soon as *any* descriptor of that file is closed
/// anywhere in the process. Boost's interprocess_mutex is lost for ever when its owner is killed.
class OfdLock {
 public:
  OfdLock() = default;
  /// Takes over a descriptor that is open for writing; does not lock yet.
  explicit OfdLock(ForkGuardedDescriptor file) : file_(std::move(file)) {}
  /// Opens or creates `path` below the directory; follows no symbolic link at its end. Throws Error.
  [[nodiscard]] static OfdLock open(int directory, const std::string& path);

  OfdLock(OfdLock&& other) noexcept : file_(std::move(other.file_)), held_(std::exchange(other.held_, false)) {}
  OfdLock& operator=(OfdLock&& other) noexcept;
  ~OfdLock() { unlock(); }

  /// False when somebody else holds it.
  [[nodiscard]] bool tryLock();
  /// Tries again after 0, 1, 2, 5, 10, 20, 20... ms until it has the lock or the time is over. Throws only when the
  /// kernel cannot lock at all.
  [[nodiscard]] bool lockWithin(std::chrono::nanoseconds patience);
  /// Sleeps in the kernel for as long as it takes; costs nothing while it waits, and cannot be called off.
  void lock();
  void unlock() noexcept;

  [[nodiscard]] bool isHeld() const { return held_; }
  [[nodiscard]] int descriptor() const { return file_.number(); }

  /// Whether `path` means the file that is open here. Who waits for a lock on a file that its holder renames or removes
  /// has to ask that when he has it.
  [[nodiscard]] bool isAt(const std::string& path) const;

  /// Whether somebody else, in whatever process, holds a lock on the file that this descriptor refers to.
  [[nodiscard]] static bool isLockedByOther(int descriptor);

 private:
  ForkGuardedDescriptor file_;
  bool held_ = false;
};

/// How long to wait before the given try, counted from 0: 0, 1, 2, 5, 10, 20, 20... ms. A dying process lets go of its
/// locks only after its memory, which takes from microseconds to hundreds of milliseconds.
[[nodiscard]] std::chrono::milliseconds retryDelay(unsigned attempt);

}  // namespace v1
}  // namespace callsheet
