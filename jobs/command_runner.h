#pragma once
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "callsheet/archive_dispatch.h"
#include "jobs/attempt_lock.h"
#include "jobs/child_process.h"

namespace callsheet {
inline namespace v1 {

/// A command to run: the parameters of a job of kind callsheet.command.
struct CommandSpec {
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;  ///< beside PATH, HOME, LANG and their like of the director's environment
  std::string cwd;                         ///< empty: the director's

  template <class Archive>
  void save(Archive& archive) const {
    archive(CEREAL_NVP(argv), CEREAL_NVP(env), CEREAL_NVP(cwd));
  }
  /// People who write the parameters by hand need to name the program only.
  template <class Archive>
  void load(Archive& archive) {
    std::optional<std::map<std::string, std::string>> givenEnv;
    std::optional<std::string> givenCwd;
    archive(CEREAL_NVP(argv), cereal::make_nvp("env", givenEnv), cereal::make_nvp("cwd", givenCwd));
    env = std::move(givenEnv).value_or(std::map<std::string, std::string>{});
    cwd = std::move(givenCwd).value_or(std::string());
  }
};

/// Why a command could never run, as one sentence; nothing when it may be tried.
[[nodiscard]] std::optional<std::string> whyRefused(const CommandSpec& spec);

struct CommandOptions {
  std::chrono::milliseconds grace{5'000};              ///< between TERM and KILL
  std::optional<std::chrono::milliseconds> timeLimit;  ///< of the whole run
  std::size_t tailBytes = 64u << 10;                   ///< of the output that are kept
  std::chrono::milliseconds drain{100};                ///< for output that comes when the whole group is dead
};

/// How a command ended.
struct CommandResult {
  enum class Ending { exited, signaled, unknown };  ///< unknown: something else in this process reaped it
  Ending ending = Ending::unknown;
  int exitCode = 0;
  int signal = 0;
  bool wasCanceled = false;          ///< it was asked to end
  bool wasTimedOut = false;          ///< its time was over
  std::string tail;                  ///< the last bytes of its output, as they came: not necessarily UTF-8
  std::uint64_t truncatedBytes = 0;  ///< output before the tail
  std::chrono::microseconds duration{0};
  pid_t pid = 0;
};

/// The last bytes of a stream. Not thread-safe.
class OutputTail {
 public:
  explicit OutputTail(std::size_t limit) : limit_(limit) {}
  void append(const char* data, std::size_t size);
  [[nodiscard]] std::uint64_t totalBytes() const { return total_; }
  [[nodiscard]] std::string take();

 private:
  std::size_t limit_;
  std::uint64_t total_ = 0;
  std::string bytes_;
};

/// One run of a command, as a process tree that holds the lock of its attempt. Made, started and waited for on one
/// thread.
class CommandRun {
 public:
  CommandRun(CommandSpec spec, AttemptLock lock, CommandOptions options = {});

  /// Starts the program; answers why it could not.
  [[nodiscard]] std::optional<SpawnFailure> start();
  /// Waits until the program has ended and nothing of its group is left. When `cancel` is requested, from any thread,
  /// or the time limit passes, the group gets TERM, and KILL after the grace. A process that left the group and keeps
  /// the output open delays nobody.
  [[nodiscard]] CommandResult wait(const std::stop_token& cancel = {});

  [[nodiscard]] pid_t pid() const { return child_ ? child_->pid() : 0; }

 private:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// Until the program has ended; output is read meanwhile.
  void attend(const std::stop_token& cancel, CommandResult& result);
  /// Reads what is there; false when there will be no more.
  bool readOutput();
  void drain();

  CommandSpec spec_;
  AttemptLock lock_;
  CommandOptions options_;
  OutputTail tail_;
  std::optional<ChildProcess> child_;
  FileDescriptor output_;
  TimePoint startedAt_;
};

}  // namespace v1
}  // namespace callsheet
