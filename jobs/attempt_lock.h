#pragma once
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "callsheet/uuid.h"
#include "ipc/fork_guard.h"

namespace callsheet {
inline namespace v1 {

/// The lock of a job's attempt on a file of its own, by which never two process trees of one job run at a time.
///
/// It is an OFD lock, and the command inherits the open file: the lock is held until the director has let go of it
/// *and* no process of the tree has the descriptor any more. So it is never unlocked, only closed. When the director is
/// killed, the tree goes on and holds the lock; whoever takes the job over kills that tree first and then gets the
/// lock. The file says which process tree holds it; the child writes that itself, before its program starts, so that
/// there is no moment at which a tree runs unrecorded. Move-only; not thread-safe.
class AttemptLock {
 public:
  /// What the file says: pids count only together with start times and the boot.
  struct Record {
    pid_t leader = 0;  ///< also the process group
    std::uint64_t leaderStart = 0;
    pid_t director = 0;  ///< holds the lock too, and is never killed for it
    std::uint64_t directorStart = 0;
    Uuid bootID;
  };
  struct Answer;

  /// Takes the lock of `name` below the directory, making the file if need be. Kills what an earlier attempt left: the
  /// recorded process group if its leader still is that process, then every other process that holds the lock, except
  /// the earlier director. `directory` must stay open as long as the lock. Tries until the patience ends; `stillHeld`
  /// then says who is in the way. A pid that was used again is never signalled. Throws Error when the file cannot be
  /// opened.
  [[nodiscard]] static Answer take(int directory, const std::string& name, std::chrono::milliseconds patience);

  [[nodiscard]] int descriptor() const { return file_.number(); }
  /// The run has ended and nothing of it is left, so the next attempt has nobody to look for.
  void markEnded();
  /// Removes the file; for a job that will have no further attempt.
  void remove();

 private:
  explicit AttemptLock(ForkGuardedDescriptor file, int directory, std::string name)
      : file_(std::move(file)), directory_(directory), name_(std::move(name)) {}

  ForkGuardedDescriptor file_;
  int directory_;
  std::string name_;
};

struct AttemptLock::Answer {
  std::optional<AttemptLock> lock;
  std::string stillHeld;  ///< one sentence, when there is no lock
};

/// The second half of the file's line, after the child's own pid and start time: this process and this boot.
[[nodiscard]] std::string attemptRecordOfThisProcess();

}  // namespace v1
}  // namespace callsheet
