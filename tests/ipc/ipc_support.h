#pragma once
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>

#include "callsheet/errors.h"
#include "ipc/store_paths.h"

namespace callsheet::test {

/// Looks again and again until the condition holds; false when the time is over first.
bool waitUntil(const std::function<bool()>& condition, std::chrono::milliseconds patience = std::chrono::seconds{20});

/// A directory of its own, removed at the end.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory();
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// A fresh store called "main" in a scratch directory.
class ScratchStore {
 public:
  ScratchStore() : store_(StoreDirectory::open(scratch_.path(), "main", {.create = true})) {}
  [[nodiscard]] const StoreDirectory& directory() const { return store_; }
  [[nodiscard]] const std::string& location() const { return scratch_.path(); }

 private:
  ScratchDirectory scratch_;
  StoreDirectory store_;
};

/// A child process; killed and reaped at the end. The body of a forked one gets `ready`, which lets the parent go on,
/// and ends by returning its exit code; it may also wait to be killed.
class Child {
 public:
  using Ready = std::function<void()>;
  [[nodiscard]] static Child fork(const std::function<int(const Ready& ready)>& body);
  /// Runs this test binary again in a role (see addRole), with more environment.
  [[nodiscard]] static Child role(const std::string& name, const std::map<std::string, std::string>& environment);

  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Until the body said that it is ready; false when it ended before.
  [[nodiscard]] bool awaitReady();
  void signal(int number) const;
  /// Waits for its end: its exit code, or minus the signal that ended it.
  int join();

 private:
  Child() = default;
  pid_t pid_ = -1;
  int readyPipe_ = -1;
};

/// Never comes back; for a child that waits to be killed.
int waitToBeKilled();

/// Registers what Child::role(NAME) runs instead of the tests; its result is the exit code.
struct AddRole {
  AddRole(const std::string& name, std::function<int()> body);
};

/// Runs `call` and says what kind of Error it threw, with its sentence; throws when it threw none.
struct Thrown {
  ErrorKind kind;
  std::string sentence;
};
[[nodiscard]] Thrown errorOf(const std::function<void()>& call);

}  // namespace callsheet::test
