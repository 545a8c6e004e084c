#include "jobs/child_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string_view>
#include <utility>

#include "ipc/pidfd.h"
#include "jobs/attempt_lock.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CALLSHEET_VFORK_IS_FORK
#endif
#elif defined(__SANITIZE_THREAD__)
#define CALLSHEET_VFORK_IS_FORK
#endif

namespace callsheet {
inline namespace v1 {

namespace {

#ifdef CALLSHEET_VFORK_IS_FORK
// ThreadSanitizer makes a fork of every vfork, and fork's handlers take guarded descriptors away from children.
constexpr bool isVforkFork = true;
#else
constexpr bool isVforkFork = false;
#endif

/// A SpawnPlan as the child needs it, in which nothing has to be allocated.
struct RawPlan {
  std::vector<char*> argv;
  std::vector<char*> environment;
  std::vector<const char*> programs;  ///< to be tried in this order
  const char* workingDirectory;
  int input;
  int output;
  int lock;
  int report;
  const char* recordTail;
  std::size_t recordTailSize;
  int lockDirectory;
  const char* lockName;
};

struct Report {
  SpawnStep step;
  int errnoValue;
};

// ---- in the child: it shares the memory of a suspended thread, so nothing but async-signal-safe calls
// -------------------

[[noreturn]] void giveUp(int report, SpawnStep step) {
  const Report said{step, errno};
  (void)!::write(report, &said, sizeof said);
  ::_exit(127);
}

char* appendNumber(char* at, unsigned long long number) {
  char digits[24];
  int count = 0;
  do digits[count++] = static_cast<char>('0' + number % 10);
  while ((number /= 10) != 0);
  while (count > 0) *at++ = digits[--count];
  return at;
}

/// Field 22 of /proc/self/stat; 0 if it cannot be read.
unsigned long long ownStartTime() {
  const int file = ::open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[1024];
  const ssize_t size = ::read(file, text, sizeof text - 1);
  ::close(file);
  if (size <= 0) return 0;
  text[size] = '\0';
  const char* at = std::strrchr(text, ')');  // the name before it may hold anything
  for (int field = 2; at != nullptr && field < 22; ++field) at = std::strchr(at + 1, ' ');
  if (at == nullptr) return 0;
  unsigned long long start = 0;
  for (++at; *at >= '0' && *at <= '9'; ++at) start = start * 10 + static_cast<unsigned long long>(*at - '0');
  return start;
}

/// Writes the line that names this process tree into the lock file.
bool writeRecord(int lock, const RawPlan& plan) {
  char line[attemptRecordBytes];
  std::memset(line, ' ', sizeof line);
  const unsigned long long start = ownStartTime();
  if (start == 0 || plan.recordTailSize > sizeof line - 48) {
    errno = start == 0 ? ENOENT : E2BIG;
    return false;
  }
  char* at = appendNumber(line, static_cast<unsigned long long>(::getpid()));
  ++at;
  at = appendNumber(at, start);
  ++at;
  std::memcpy(at, plan.recordTail, plan.recordTailSize);
  line[sizeof line - 1] = '\n';
  const ssize_t written = ::pwrite(lock, line, sizeof line, 0);
  if (written >= 0 && written != sizeof line) errno = ENOSPC;
  return written == sizeof line;
}

/// Whether the lock file still has its name. To be asked after the record was written: whoever takes the name away
/// reads the record afterwards, so that one of the two always sees the other.
bool isStillLinked(int lock, const RawPlan& plan) {
  struct stat opened {};
  struct stat linked {};
  if (::fstat(lock, &opened) == 0 && ::fstatat(plan.lockDirectory, plan.lockName, &linked, AT_SYMLINK_NOFOLLOW) == 0 &&
      opened.st_dev == linked.st_dev && opened.st_ino == linked.st_ino)
    return true;
  errno = ESTALE;
  return false;
}

/// Marks all other descriptors to be closed by exec.
void hideDescriptors(int keep) {
  const auto hide = [](unsigned first, unsigned last) {
    if (::close_range(first, last, CLOSE_RANGE_CLOEXEC) == 0) return;
    // A kernel or sandbox without close_range.
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    for (unsigned number = first; number <= last && number < limit.rlim_cur && number < (1u << 20); ++number)
      ::fcntl(static_cast<int>(number), F_SETFD, FD_CLOEXEC);
  };
  if (keep < 0) return hide(3, ~0u);
  hide(3, static_cast<unsigned>(keep) - 1);
  hide(static_cast<unsigned>(keep) + 1, ~0u);
}

void resetSignals() {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &standard, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void runChild(const RawPlan& plan) {
  // First everything out of the way of the numbers that are given out below.
  const int above = inheritedLockDescriptor + 1;
  const int report = ::fcntl(plan.report, F_DUPFD_CLOEXEC, above);
  if (report < 0) giveUp(plan.report, SpawnStep::descriptors);
  if (::setpgid(0, 0) != 0) giveUp(report, SpawnStep::group);
  const int input = ::fcntl(plan.input, F_DUPFD_CLOEXEC, above);
  const int output = ::fcntl(plan.output, F_DUPFD_CLOEXEC, above);
  if (input < 0 || output < 0) giveUp(report, SpawnStep::descriptors);
  if (plan.lock >= 0) {
    const int lock = ::fcntl(plan.lock, F_DUPFD_CLOEXEC, above);
    if (lock < 0 || ::dup2(lock, inheritedLockDescriptor) < 0) giveUp(report, SpawnStep::descriptors);
  }
  if (::dup2(input, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(output, 2) < 0) giveUp(report, SpawnStep::descriptors);
  if (plan.workingDirectory != nullptr && ::chdir(plan.workingDirectory) != 0)
    giveUp(report, SpawnStep::workingDirectory);
  if (plan.lock >= 0 && !writeRecord(inheritedLockDescriptor, plan)) giveUp(report, SpawnStep::record);
  if (plan.lock >= 0 && !isStillLinked(inheritedLockDescriptor, plan)) giveUp(report, SpawnStep::superseded);
  hideDescriptors(plan.lock >= 0 ? inheritedLockDescriptor : -1);
  resetSignals();

  int why = ENOENT;
  for (const char* program : plan.programs) {
    ::execve(program, plan.argv.data(), plan.environment.data());
    // As the shell does: a file that may not be run is remembered, in case that a later directory has a better one.
    if (errno != ENOENT && errno != ENOTDIR) why = errno;
    if (why != ENOENT && why != EACCES) break;
  }
  errno = why;
  giveUp(report, SpawnStep::execute);
}

/// A frame of its own, which holds nothing that the child could spoil for the parent.
[[gnu::noinline]] pid_t startChild(const RawPlan& plan) {
  const pid_t pid = ::vfork();
  if (pid == 0) runChild(plan);
  return pid;
}

// ---- in the parent
// -----------------------------------------------------------------------------------------------------

/// The files to try for argv[0], in the order of the PATH that the program will see.
std::vector<std::string> programsFor(const SpawnPlan& plan) {
  const std::string& name = plan.argv.front();
  if (name.find('/') != name.npos) return {name};
  std::string_view path = "/usr/local/bin:/usr/bin:/bin";
  for (const std::string& variable : plan.environment)
    if (variable.starts_with("PATH=")) path = std::string_view(variable).substr(5);
  std::vector<std::string> programs;
  for (;;) {
    const auto colon = path.find(':');
    const auto directory = path.substr(0, colon);
    programs.push_back(directory.empty() ? "./" + name : std::string(directory) + "/" + name);
    if (colon == path.npos) return programs;
    path.remove_prefix(colon + 1);
  }
}

std::string sentenceFor(const Report& report, const SpawnPlan& plan) {
  const std::string why = std::string(": ") + std::strerror(report.errnoValue) + ".";
  switch (report.step) {
    case SpawnStep::workingDirectory:
      return "The working directory '" + plan.workingDirectory + "' cannot be entered" + why;
    case SpawnStep::execute:
      return "The program '" + plan.argv.front() + "' cannot be run" + why;
    case SpawnStep::record:
      return "The command's process cannot be recorded in its lock file" + why;
    case SpawnStep::superseded:
      return "Another attempt of the job took over before the command began.";
    case SpawnStep::group:
      return "A process group for the command cannot be made" + why;
    default:
      return "A process for the command cannot be made" + why;
  }
}

}  // namespace

bool hasLivingMember(pid_t group) {
  if (::kill(-group, 0) != 0 && errno == ESRCH) return false;
  const std::unique_ptr<DIR, int (*)(DIR*)> processes(::opendir("/proc"), &::closedir);
  if (!processes) return true;  // better to wait for nobody than to miss somebody
  while (const dirent* entry = ::readdir(processes.get())) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    std::ifstream file(std::string("/proc/") + entry->d_name + "/stat");
    std::string text;
    if (!std::getline(file, text)) continue;
    const auto name = text.rfind(')');
    if (name == text.npos) continue;
    std::istringstream fields(text.substr(name + 1));
    char state = '?';
    pid_t parent = 0;
    pid_t itsGroup = 0;
    if (fields >> state >> parent >> itsGroup && itsGroup == group && state != 'Z' && state != 'X') return true;
  }
  return false;
}

std::variant<ChildProcess, SpawnFailure> ChildProcess::spawn(const SpawnPlan& plan) {
  const auto failure = [&plan](Report report) {
    return SpawnFailure{report.step, report.errnoValue, sentenceFor(report, plan)};
  };
  if (plan.argv.empty())
    return SpawnFailure{SpawnStep::prepare, EINVAL, "A command needs at least the name of its program."};
  const FileDescriptor input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  int ends[2];
  if (!input.isOpen() || ::pipe2(ends, O_CLOEXEC) != 0) return failure({SpawnStep::prepare, errno});
  const FileDescriptor reportIn(ends[0]);
  FileDescriptor reportOut(ends[1]);

  const auto programs = programsFor(plan);
  RawPlan raw{};
  for (const auto& argument : plan.argv) raw.argv.push_back(const_cast<char*>(argument.c_str()));
  for (const auto& variable : plan.environment) raw.environment.push_back(const_cast<char*>(variable.c_str()));
  for (const auto& program : programs) raw.programs.push_back(program.c_str());
  raw.argv.push_back(nullptr);
  raw.environment.push_back(nullptr);
  raw.workingDirectory = plan.workingDirectory.empty() ? nullptr : plan.workingDirectory.c_str();
  raw.input = input.number();
  raw.output = plan.output;
  const FileDescriptor unguarded(isVforkFork && plan.lock >= 0 ? ::fcntl(plan.lock, F_DUPFD_CLOEXEC, 3) : -1);
  raw.lock = unguarded.isOpen() ? unguarded.number() : plan.lock;
  raw.report = reportOut.number();
  raw.recordTail = plan.recordTail.data();
  raw.recordTailSize = plan.recordTail.size();
  raw.lockDirectory = plan.lockDirectory;
  raw.lockName = plan.lockName.c_str();

  // No handler of this process may run in the child, whose memory is ours.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = startChild(raw);
  const int forkErrno = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return failure({SpawnStep::prepare, forkErrno});

  reportOut.close();
  Report report{};
  ssize_t size = 0;
  do size = ::read(reportIn.number(), &report, sizeof report);
  while (size < 0 && errno == EINTR);
  if (size == static_cast<ssize_t>(sizeof report)) {
    ::waitpid(pid, nullptr, 0);
    return failure(report);
  }
  FileDescriptor pidfd = openPidfd(pid);
  if (!pidfd.isOpen()) {
    const int why = errno;
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return failure({SpawnStep::prepare, why});
  }
  return ChildProcess(pid, std::move(pidfd));
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(other.pid_), pidfd_(std::move(other.pidfd_)), isReaped_(std::exchange(other.isReaped_, true)) {}

ChildProcess::~ChildProcess() {
  if (isReaped_) return;
  signalGroup(SIGKILL);
  reap();
}

void ChildProcess::signalGroup(int signal) const {
  if (!isReaped_) ::kill(-pid_, signal);
}

ChildProcess::Ending ChildProcess::reap() {
  isReaped_ = true;
  siginfo_t info{};
  int result = 0;
  do result = ::waitid(P_PIDFD, static_cast<id_t>(pidfd_.number()), &info, WEXITED);
  while (result != 0 && errno == EINTR);
  if (result != 0) return {};
  if (info.si_code == CLD_EXITED) return {true, info.si_status, 0};
  return {true, 0, info.si_status};
}

bool ChildProcess::isGroupGoneWithin(std::chrono::milliseconds patience) const {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (hasLivingMember(pid_)) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

}  // namespace v1
}  // namespace callsheet
