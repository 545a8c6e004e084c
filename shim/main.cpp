// The shim: the holder of one command's attempt. A director starts it, and it goes on when that one is killed,
// restarted or upgraded. It takes the lock of the task's directory, runs the command, keeps its output and its status,
// and ends with it. It opens no store and links nothing of ours, so that it stays small and never has to be upgraded
// under a command.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "shim/clocks.h"
#include "shim/command.h"
#include "shim/line.h"
#include "shim/process_tree.h"
#include "shim/supervisor.h"

namespace callsheet {
inline namespace v1 {

namespace {

void sayOnce(ShimStep step, int errnoValue, pid_t leader) {
  const ShimReport report{step, errnoValue, leader};
  (void)!::write(shimDescriptor::report, &report, sizeof report);
  ::close(shimDescriptor::report);
}

/// From here on it is nobody's terminal, directory or group but its own.
void leaveTheDirector() {
  blockSignals();
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, nullptr);
  ::setsid();
  ::umask(077);
  (void)!::chdir("/");
  ::prctl(PR_SET_NAME, shimName);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::close_range(shimDescriptor::group + 1, ~0u, 0);
}

/// Its end stops this shim as a director's signal does. One that ended before this is not heard of otherwise.
void dieWith(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, shimSignal::stop);
  if (::getppid() != parent) ::raise(shimSignal::stop);
}

/// Under the lock, so that a start that comes late moves nobody's files.
ShimStep prepareFiles(Run& run) {
  const TaskSpec& spec = run.spec;
  if (spec.attempt > 1) setStatusFileAside(run.directory, spec);
  if (!run.output.open(run.directory, taskFile::output, spec.attempt, spec.outputMax)) return ShimStep::files;
  if (spec.isApart && !run.errors.open(run.directory, taskFile::errors, spec.attempt, spec.outputMax))
    return ShimStep::files;
  return ShimStep::running;
}

/// Whoever looks after the ring finds the lock free.
void ring(const TaskSpec& spec) {
  for (const auto& bell : spec.bells) {
    if (bell[0] == '\0') continue;
    Name<sizeof(sockaddr_un::sun_path)> path;
    path << "/proc/self/fd/" << shimDescriptor::store << "/" << bell;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.zeroed(), path.size());
    const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket < 0) return;
    // A bell that is full of rings, or gone, is as good.
    ::sendto(socket, "!", 1, MSG_DONTWAIT | MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::close(socket);
  }
}

/// The command's end, or why there was none to begin with.
void runTask(Run& run) {
  run.directory = shimDescriptor::directory;
  TaskSpec& spec = run.spec;
  if (!readTaskSpec(shimDescriptor::spec, spec)) return sayOnce(ShimStep::prepare, errno, 0);
  ::close(shimDescriptor::spec);
  if (spec.parent != 0) dieWith(spec.parent);
  if (spec.group[0] != '\0') useGroup(shimDescriptor::group);
  ShimStep step = takeTaskLock(run.directory, spec, run.lock);
  if (step == ShimStep::running) ::close(shimDescriptor::lock);
  if (step == ShimStep::running) step = prepareFiles(run);
  if (step != ShimStep::running) return sayOnce(step, errno, 0);

  ProcessFacts own;
  run.record.shim = ::getpid();
  if (!readProcessFacts(run.record.shim, own)) return sayOnce(ShimStep::prepare, ENOENT, 0);
  run.record.shimStart = own.startTime;
  run.progress.startedAt = utcMicros();
  run.begunNanos = bootNanos();
  const int output = run.output.commandEnd();
  const StartedCommand started =
      startCommand(spec, run.lock, run.record, output, spec.isApart ? run.errors.commandEnd() : output);
  run.output.closeCommandEnd();
  run.errors.closeCommandEnd();
  forgetCommand(spec);
  run.record.leader = started.leader;
  if (started.step == ShimStep::running) {
    ProcessFacts leader;
    if (readProcessFacts(started.leader, leader)) run.record.leaderStart = leader.startTime;
    sayOnce(started.step, 0, started.leader);
    (void)writeStatusFile(run.directory, spec, run.record, run.progress, run.output, run.errors, true);
    superviseCommand(run);
  } else {
    run.record.end = taskEnd::notStarted;
    run.record.code = started.errnoValue;
    run.record.finishedAt = utcMicros();
  }
  recordEnd(run);
  if (started.step != ShimStep::running) sayOnce(started.step, started.errnoValue, 0);
  ::close(run.lock.tree);
  ::close(run.lock.own);
  ring(spec);
}

}  // namespace

}  // namespace v1
}  // namespace callsheet

int main() {
  static callsheet::Run run;
  callsheet::leaveTheDirector();
  callsheet::runTask(run);
  // It is this attempt's alone. What is left in it keeps it, for whoever comes next.
  if (run.spec.group[0] != '\0') ::rmdir(run.spec.group);
  ::_exit(0);
}
