#include "tests/ipc/ipc_support.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

// For the listener.
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <utility>
#include <vector>

namespace callsheet::test {

namespace {

constexpr const char* roleVariable = "CALLSHEET_IPC_TEST_ROLE";

std::map<std::string, std::function<int()>>& roles() {
  static std::map<std::string, std::function<int()>> all;
  return all;
}

// Roles run here and not before main, so that every static object is there.
struct RoleListener : Catch::TestEventListenerBase {
  using TestEventListenerBase::TestEventListenerBase;
  void testRunStarting(const Catch::TestRunInfo&) override {
    const char* role = std::getenv(roleVariable);
    if (role != nullptr) ::_exit(roles().at(role)());
  }
};
CATCH_REGISTER_LISTENER(RoleListener)

}  // namespace

bool waitUntil(const std::function<bool()>& condition, std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});  // check:allow-sleep
  }
  return true;
}

ScratchDirectory::ScratchDirectory() {
  std::string pattern = std::filesystem::temp_directory_path() / "callsheet-ipc-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw systemError("cannot make a scratch directory", errno);
  path_ = pattern;
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Child Child::fork(const std::function<int(const Ready& ready)>& body) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw systemError("pipe", errno);
  Child child;
  child.pid_ = ::fork();
  if (child.pid_ == 0) {
    ::close(ends[0]);
    int code = 99;
    try {
      code = body([&] { static_cast<void>(!::write(ends[1], "r", 1)); });
    } catch (const std::exception& error) {
      static_cast<void>(!::write(2, error.what(), std::string(error.what()).size()));
    }
    ::_exit(code);
  }
  ::close(ends[1]);
  child.readyPipe_ = ends[0];
  return child;
}

Child Child::role(const std::string& name, const std::map<std::string, std::string>& environment) {
  std::vector<std::string> lines{std::string(roleVariable) + "=" + name};
  for (const auto& [key, value] : environment) lines.push_back(key + "=" + value);
  for (char** line = environ; *line != nullptr; ++line) lines.emplace_back(*line);
  std::vector<char*> environmentPointers;
  for (std::string& line : lines) environmentPointers.push_back(line.data());
  environmentPointers.push_back(nullptr);
  const std::string executable = std::filesystem::read_symlink("/proc/self/exe");
  std::string program = executable;
  char* arguments[] = {program.data(), nullptr};
  Child child;
  const int error =
      ::posix_spawn(&child.pid_, executable.c_str(), nullptr, nullptr, arguments, environmentPointers.data());
  if (error != 0) throw systemError("posix_spawn", error);
  return child;
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), readyPipe_(std::exchange(other.readyPipe_, -1)) {}

Child::~Child() {
  if (pid_ > 0) {
    signal(SIGKILL);
    join();
  }
  if (readyPipe_ >= 0) ::close(readyPipe_);
}

bool Child::awaitReady() {
  pollfd waiting{readyPipe_, POLLIN, 0};
  char sign = 0;
  return ::poll(&waiting, 1, 20'000) == 1 && ::read(readyPipe_, &sign, 1) == 1;
}

void Child::signal(int number) const {
  ::kill(pid_, number);
}

int Child::join() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int waitToBeKilled() {
  while (true) ::pause();
}

AddRole::AddRole(const std::string& name, std::function<int()> body) {
  roles()[name] = std::move(body);
}

Thrown errorOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return Thrown{error.kind(), error.what()};
  }
  throw std::logic_error("no Error was thrown");
}

}  // namespace callsheet::test
