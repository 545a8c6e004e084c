#pragma once
#include <sys/types.h>

#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "ipc/file_descriptor.h"

namespace callsheet {
inline namespace v1 {

/// Which step of starting a process failed.
enum class SpawnStep : int { prepare, group, workingDirectory, descriptors, record, superseded, execute };

/// A program that did not start. Expected: the program or its directory may be missing.
struct SpawnFailure {
  SpawnStep step = SpawnStep::prepare;
  int errnoValue = 0;
  std::string sentence;
};

/// Everything about a new process. Its standard input is /dev/null; of all other descriptors it gets these only.
struct SpawnPlan {
  std::vector<std::string> argv;         ///< argv[0] is looked up in the PATH of `environment` unless it has a slash
  std::vector<std::string> environment;  ///< NAME=value
  std::string workingDirectory;          ///< empty: the director's
  int output = -1;                       ///< its standard output and error
  int lock = -1;           ///< an attempt's lock file, inherited as descriptor inheritedLockDescriptor; -1 = none
  std::string recordTail;  ///< written to `lock` after the child's pid and start time, filled up with spaces
  int lockDirectory = -1;  ///< where the lock file has its name `lockName`; when it lost it, the child gives up
  std::string lockName;
};

/// Above what scripts open by number.
inline constexpr int inheritedLockDescriptor = 109;

/// Whether any process of the group is alive; zombies are not, and need not ever be reaped by whoever inherited them.
[[nodiscard]] bool hasLivingMember(pid_t group);

/// A child in its own process group, which bears its pid. Killed with its group and reaped when the handle goes.
/// Move-only; not thread-safe.
class ChildProcess {
 public:
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();

  /// Starts the program. Returns once it runs or has failed; async-signal-safe work only happens in between.
  [[nodiscard]] static std::variant<ChildProcess, SpawnFailure> spawn(const SpawnPlan& plan);

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Readable when the child has ended.
  [[nodiscard]] int descriptor() const { return pidfd_.number(); }
  /// Only until `reap`: the group's number belongs to it as long as the leader is not reaped.
  void signalGroup(int signal) const;

  struct Ending {
    bool isKnown = false;  ///< false: somebody else in this process reaped the child
    int exitCode = 0;
    int signal = 0;  ///< 0: it exited
  };
  /// Waits for the end, if it has not come, and gives the number back to the system.
  Ending reap();
  /// After `reap`: whether the last member of the group is gone; waits for that.
  [[nodiscard]] bool isGroupGoneWithin(std::chrono::milliseconds patience) const;

 private:
  ChildProcess(pid_t pid, FileDescriptor pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}

  pid_t pid_;
  FileDescriptor pidfd_;
  bool isReaped_ = false;
};

}  // namespace v1
}  // namespace callsheet
