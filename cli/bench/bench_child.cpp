#include "cli/bench/bench_child.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "callsheet/errors.h"
#include "cli/bench/bench_clock.h"
#include "cli/bench/shared_page.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr const char* ownProgram = "/proc/self/exe";

volatile std::sig_atomic_t interruption = 0;

void interrupted(int signal) {
  interruption = signal;
}

}  // namespace

/// How a child begins.
struct BenchChild::Plan {
  const char* program;
  const char* directory;  ///< null: the bench's own
  int page;
  bool isQuiet;
};

void BenchChild::become(const Plan& plan, char* const* argv, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // it died before it could be promised that we die with it
  // Standard output is the bench's own; children say only what is wrong.
  const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ::dup2(nowhere, STDIN_FILENO);
  ::dup2(plan.isQuiet ? nowhere : STDERR_FILENO, STDOUT_FILENO);
  if (plan.isQuiet) ::dup2(nowhere, STDERR_FILENO);
  if (plan.page == sharedPageDescriptor)
    ::fcntl(plan.page, F_SETFD, 0);
  else if (plan.page >= 0)
    ::dup2(plan.page, sharedPageDescriptor);
  if (plan.directory == nullptr || ::chdir(plan.directory) == 0) ::execv(plan.program, argv);
  ::_exit(127);
}

BenchChild BenchChild::start(const Plan& plan, const std::vector<std::string>& arguments) {
  std::string name;
  for (const std::string& argument : arguments) name += (name.empty() ? "" : " ") + argument;
  std::vector<std::string> words{plan.program == ownProgram ? "callsheet" : plan.program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) throw systemError("a process for the bench cannot be started", errno);
  if (pid == 0) become(plan, argv.data(), parent);
  return {pid, plan.program == ownProgram ? name : words.front()};
}

BenchChild BenchChild::start(const std::vector<std::string>& arguments, int page, bool isQuiet) {
  return start(Plan{ownProgram, nullptr, page, isQuiet}, arguments);
}

BenchChild BenchChild::startProgram(const std::string& path, const std::vector<std::string>& arguments,
                                    const std::string& directory) {
  return start(Plan{path.c_str(), directory.c_str(), -1, true}, arguments);
}

BenchChild BenchChild::startRole(const std::string& role, const std::string& directory, unsigned number, int page) {
  return start({"bench-role", role, directory, std::to_string(number)}, page);
}

BenchChild::BenchChild(BenchChild&& other) noexcept
    : pid_(other.pid_),
      name_(std::move(other.name_)),
      isReaped_(std::exchange(other.isReaped_, true)),
      status_(other.status_) {}

BenchChild::~BenchChild() {
  if (isReaped_) return;
  kill();
  reap();
}

void BenchChild::kill() const {
  ::kill(pid_, SIGKILL);
}

void BenchChild::reap() {
  while (!isReaped_) isReaped_ = ::waitpid(pid_, &status_, 0) == pid_ || errno != EINTR;
}

bool BenchChild::hasEnded() {
  if (!isReaped_) isReaped_ = ::waitpid(pid_, &status_, WNOHANG) == pid_;
  return isReaped_;
}

void BenchChild::requireSuccess(std::chrono::seconds patience) {
  const std::int64_t until = benchNanos() + std::chrono::nanoseconds(patience).count();
  while (!hasEnded()) {
    throwIfInterrupted();
    if (benchNanos() > until) throw BenchFailure("`" + name_ + "` did not end in time");
    nap(std::chrono::microseconds{100});
  }
  if (!WIFEXITED(status_) || WEXITSTATUS(status_) != 0) throw BenchFailure("`" + name_ + "` failed");
}

void BenchChild::requireAlive() {
  if (hasEnded() && !(WIFEXITED(status_) && WEXITSTATUS(status_) == 0))
    throw BenchFailure("`" + name_ + "` ended too early");
}

void awaitCondition(std::string_view what, std::chrono::seconds patience, std::vector<BenchChild>& children,
                    const std::function<bool()>& holds) {
  const std::int64_t until = benchNanos() + std::chrono::nanoseconds(patience).count();
  while (!holds()) {
    throwIfInterrupted();
    for (BenchChild& child : children) child.requireAlive();
    if (benchNanos() > until) throw BenchFailure("waited in vain for " + std::string(what));
    nap(std::chrono::microseconds{100});
  }
}

void catchInterruptions() {
  struct sigaction action {};
  action.sa_handler = interrupted;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
}

void throwIfInterrupted() {
  if (interruption != 0) throw Error(ErrorKind::unavailable, "the bench was interrupted; nothing was measured");
}

}  // namespace v1
}  // namespace callsheet
