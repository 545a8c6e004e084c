#include "shim/command.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "shim/process_tree.h"

namespace callsheet {
inline namespace v1 {

namespace {

struct Failure {
  ShimStep step;
  std::int32_t errnoValue;
};

[[noreturn]] void giveUp(int report, ShimStep step) {
  const Failure said{step, errno};
  (void)!::write(report, &said, sizeof said);
  ::_exit(127);
}

/// Marks all others to be closed by exec.
void hideDescriptors(bool hasResult) {
  const auto hide = [](unsigned first, unsigned last) {
    if (::close_range(first, last, CLOSE_RANGE_CLOEXEC) == 0) return;
    // A kernel or sandbox without close_range.
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    for (unsigned number = first; number <= last && number < limit.rlim_cur && number < (1u << 20); ++number)
      ::fcntl(static_cast<int>(number), F_SETFD, FD_CLOEXEC);
  };
  hide(hasResult ? resultDescriptor + 1 : resultDescriptor, inheritedLockDescriptor - 1);
  hide(inheritedLockDescriptor + 1, ~0u);
}

void resetSignals() {
  // The kernel's own call: the library keeps two signals to itself, which posix_spawn has the shim ignore.
  const unsigned long standard[4] = {};
  for (int signal = 1; signal < NSIG; ++signal)
    ::syscall(SYS_rt_sigaction, signal, standard, nullptr, sizeof(unsigned long));
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool setLimit(decltype(RLIMIT_AS) resource, std::uint64_t value) {
  if (value == 0) return true;
  const rlimit limit{value, value};
  return ::setrlimit(resource, &limit) == 0;
}

bool setLimits(const TaskSpec& spec) {
  constexpr int ioprioOfProcess = 1;
  constexpr int ioprioClassShift = 13;
  if (spec.nice != 0 && ::setpriority(PRIO_PROCESS, 0, spec.nice) != 0) return false;
  if (spec.ioClass >= 0 &&
      ::syscall(SYS_ioprio_set, ioprioOfProcess, 0, (spec.ioClass << ioprioClassShift) | spec.ioLevel) != 0)
    return false;
  return setLimit(RLIMIT_AS, spec.memoryBytes) && setLimit(RLIMIT_CPU, spec.cpuSeconds);
}

/// Of an earlier attempt nothing is left in it.
int openResult() {
  const int file = ::openat(shimDescriptor::directory, taskFile::result,
                            O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
  return file < 0 ? file : ::fcntl(file, F_DUPFD_CLOEXEC, inheritedLockDescriptor + 1);
}

[[noreturn]] void becomeCommand(const TaskSpec& spec, const TaskLock& lock, ShimRecord record, int output, int errors,
                                int pipe) {
  const int above = inheritedLockDescriptor + 1;
  const int report = ::fcntl(pipe, F_DUPFD_CLOEXEC, above);
  if (report < 0) giveUp(pipe, ShimStep::process);
  // Without the shim nobody would know of it.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != record.shim) giveUp(report, ShimStep::process);
  if (::setpgid(0, 0) != 0) giveUp(report, ShimStep::process);
  const int out = ::fcntl(output, F_DUPFD_CLOEXEC, above);
  const int err = ::fcntl(errors, F_DUPFD_CLOEXEC, above);
  const int tree = ::fcntl(lock.tree, F_DUPFD_CLOEXEC, above);
  if (out < 0 || err < 0 || tree < 0) giveUp(report, ShimStep::process);
  if (::dup2(out, 1) < 0 || ::dup2(err, 2) < 0 || ::dup2(tree, inheritedLockDescriptor) < 0)
    giveUp(report, ShimStep::process);
  if (spec.workingDirectory != nullptr && ::chdir(spec.workingDirectory) != 0)
    giveUp(report, ShimStep::workingDirectory);
  if (spec.input != nullptr) {
    const int input = ::open(spec.input, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (input < 0 || ::dup2(input, 0) < 0) giveUp(report, ShimStep::input);
  }
  const int result = spec.hasResult ? openResult() : -1;
  if (spec.hasResult && result < 0) giveUp(report, ShimStep::files);
  if (!setLimits(spec)) giveUp(report, ShimStep::limits);
  ::umask(static_cast<mode_t>(spec.umask >= 0 ? spec.umask & 0777 : 022));
  // Before the program's first instruction, so that no tree ever runs unrecorded.
  ProcessFacts own;
  record.leader = ::getpid();
  if (!readProcessFacts(record.leader, own)) giveUp(report, ShimStep::process);
  record.leaderStart = own.startTime;
  if (!writeTaskRecord(tree, spec, record)) giveUp(report, ShimStep::files);
  // Last, because it takes the number of a descriptor that is needed before.
  if (result >= 0 && ::dup2(result, resultDescriptor) < 0) giveUp(report, ShimStep::files);
  hideDescriptors(result >= 0);
  resetSignals();
  int why = ENOENT;
  for (char** program = spec.programs; *program != nullptr; ++program) {
    ::execve(*program, spec.arguments, spec.variables);
    // As the shell does: a file that may not be run is remembered, in case that a later directory has a better one.
    if (errno != ENOENT && errno != ENOTDIR) why = errno;
    if (why != ENOENT && why != EACCES) break;
  }
  errno = why;
  giveUp(report, ShimStep::execute);
}

/// As fork(), with the child in the group from its first instruction on: to move it there later would cost a dozen
/// milliseconds. Where the kernel or a sandbox knows no such call, it stays outside.
pid_t forkInto(const TaskSpec& spec) {
  if (spec.group[0] != '\0') {
    clone_args arguments{};
    arguments.flags = CLONE_INTO_CGROUP;
    arguments.exit_signal = SIGCHLD;
    arguments.cgroup = static_cast<std::uint64_t>(shimDescriptor::group);
    const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid >= 0) return static_cast<pid_t>(pid);
  }
  return ::fork();
}

}  // namespace

StartedCommand startCommand(const TaskSpec& spec, const TaskLock& lock, ShimRecord record, int output, int errors) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {ShimStep::process, errno, 0};
  const pid_t pid = forkInto(spec);
  if (pid == 0) becomeCommand(spec, lock, record, output, errors, ends[1]);
  const int forkErrno = errno;
  ::close(ends[1]);
  if (pid < 0) {
    ::close(ends[0]);
    return {ShimStep::process, forkErrno, 0};
  }
  Failure failure{};
  ssize_t size = 0;
  do size = ::read(ends[0], &failure, sizeof failure);
  while (size < 0 && errno == EINTR);
  ::close(ends[0]);
  if (size != static_cast<ssize_t>(sizeof failure)) return {ShimStep::running, 0, pid};
  ::waitpid(pid, nullptr, 0);
  return {failure.step, failure.errnoValue, 0};
}

}  // namespace v1
}  // namespace callsheet
