#pragma once
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "callsheet/uuid.h"
#include "ipc/fork_guard.h"

namespace callsheet {
inline namespace v1 {

/// The lock of a job's attempt on a file of its own, by which never two process trees of one job run at a time.
///
/// The file carries three OFD locks, each on a byte of its own:
/// - *tree*: through the open file that the command inherits. It is held until the director has let go of it *and* no
///   process of the tree has the descriptor any more, so it is never unlocked, only closed.
/// - *director*: of whoever attends to an attempt. It is never inherited. While it is ours, every other holder of the
///   tree's lock is a process that an earlier attempt left behind, and may be killed.
/// - *entry*: held for the moment in which the file's name is taken away, or found to be in place still.
///
/// When a director is killed, its tree goes on and holds its lock; whoever takes the job over kills that tree first.
/// When a director is hung, its tree is killed too, and then its file gives way to a new one: the director cannot be
/// made to let go. A command about to start in it looks whether its file still has its name, after it has written down
/// which process it is; who takes the name away reads that afterwards. So one of the two always sees the other.
///
/// The file says which process tree holds it; the child writes that itself, before its program starts, so that there is
/// no moment at which a tree runs unrecorded. The file outlives the attempt: were it removed at its end, a process that
/// the command left behind would hold the lock of a file that nobody finds. Move-only; not thread-safe.
class AttemptLock {
 public:
  /// What the file says: pids count only together with start times and the boot.
  struct Record {
    pid_t leader = 0;  ///< also the process group; 0: none runs
    std::uint64_t leaderStart = 0;
    std::uint32_t attempt = 0;  ///< as in Request
    pid_t director = 0;         ///< for messages; whether one attends is told by its lock
    std::uint64_t directorStart = 0;
    Uuid bootID;
  };
  struct Request {
    std::uint32_t attempt = 0;  ///< the job's hand-out that asks; what a later one does is left alone
    std::chrono::milliseconds patience{0};
    std::stop_token stop = {};    ///< gives up early
    bool sparesAttended = false;  ///< gives up at once when a director attends to an attempt, and kills nobody
  };
  struct Answer;

  /// How long a director that attends to an earlier attempt may take to let go by itself once its command is dead.
  static constexpr std::chrono::milliseconds replaceAfter{1'000};

  /// Takes the lock of `name` below the directory, making the file if need be. Kills what earlier attempts left: the
  /// recorded process group if its leader still is that process, then every other process of this user that holds the
  /// tree's lock. A director is never killed. `directory` must stay open as long as the lock. A pid that was used again
  /// is never signalled. Throws Error when the file cannot be opened or written.
  [[nodiscard]] static Answer take(int directory, const std::string& name, const Request& request);

  /// The open file for the command.
  [[nodiscard]] int descriptor() const { return tree_.number(); }
  [[nodiscard]] int directory() const { return directory_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  /// What the child writes behind its own pid and start time.
  [[nodiscard]] std::string recordTail() const;
  /// The run has ended and nothing of its group is left, so the next attempt has no group to look for.
  void markEnded() const noexcept;
  /// Takes the file's name away, unless that means another file by now. For a job that has no living attempt.
  void remove() const;

 private:
  AttemptLock(int directory, const std::string& name);
  [[nodiscard]] bool isLinked() const;
  [[nodiscard]] bool begin(std::uint32_t attempt);
  [[nodiscard]] bool giveWay(std::uint32_t attempt) const;
  [[nodiscard]] bool endLeftovers(std::uint32_t attempt) const;

  int directory_;
  std::string name_;
  std::uint32_t attempt_ = 0;
  // In this order: a director that does not attend any more holds no tree's lock either.
  ForkGuardedDescriptor director_;
  ForkGuardedDescriptor tree_;
};

struct AttemptLock::Answer {
  std::optional<AttemptLock> lock;
  std::string stillHeld;      ///< one sentence, when there is no lock
  bool isSuperseded = false;  ///< a later attempt was begun already
  bool isAttended = false;    ///< a director was spared
};

/// The length of the file's one line; shorter text is filled up with spaces, so that each writing replaces all of it.
inline constexpr std::size_t attemptRecordBytes = 192;

}  // namespace v1
}  // namespace callsheet
