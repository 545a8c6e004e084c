#pragma once
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace callsheet {
inline namespace v1 {

/// What was measured did not do what it must: a job lost, done twice, a process dead. The figures are worth nothing
/// then.
struct BenchFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// This program, run again: in a hidden role, or as a command of its own; or another one. Killed and reaped when the
/// handle goes, and by the kernel when the bench dies. Move-only; lives on the main thread.
class BenchChild {
 public:
  /// `page` becomes the child's descriptor sharedPageDescriptor; -1: none. A quiet child's messages go nowhere.
  [[nodiscard]] static BenchChild start(const std::vector<std::string>& arguments, int page, bool isQuiet = false);
  /// `bench-role NAME DIRECTORY NUMBER`.
  [[nodiscard]] static BenchChild startRole(const std::string& role, const std::string& directory, unsigned number,
                                            int page);

  /// Another program, quiet, that begins in a directory.
  [[nodiscard]] static BenchChild startProgram(const std::string& path, const std::vector<std::string>& arguments,
                                               const std::string& directory);

  BenchChild(BenchChild&& other) noexcept;
  BenchChild& operator=(BenchChild&&) = delete;
  ~BenchChild();

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// SIGKILL; does not wait.
  void kill() const;
  /// Waits for its end, whatever it is.
  void reap();
  /// Throws when it ends otherwise than by exiting with 0, or not in time.
  void requireSuccess(std::chrono::seconds patience);
  /// Throws when it has ended already.
  void requireAlive();

 private:
  BenchChild(pid_t pid, std::string name) : pid_(pid), name_(std::move(name)) {}
  struct Plan;
  [[nodiscard]] static BenchChild start(const Plan& plan, const std::vector<std::string>& arguments);
  /// Between fork and exec: only what a signal handler may call.
  [[noreturn]] static void become(const Plan& plan, char* const* argv, pid_t parent);
  /// Whether it has ended; its status is kept.
  [[nodiscard]] bool hasEnded();

  pid_t pid_;
  std::string name_;
  bool isReaped_ = false;
  int status_ = 0;
};

/// Waits until the condition holds, looking every tenth of a millisecond. Throws BenchFailure when it does not in time
/// or when a child ends meanwhile, and Error when the bench is interrupted.
void awaitCondition(std::string_view what, std::chrono::seconds patience, std::vector<BenchChild>& children,
                    const std::function<bool()>& holds);

/// From now on INT, TERM and HUP end the bench orderly, so that it removes its files.
void catchInterruptions();
/// Throws Error once one of them came.
void throwIfInterrupted();

}  // namespace v1
}  // namespace callsheet
