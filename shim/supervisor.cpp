#include "shim/supervisor.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "shim/clocks.h"
#include "shim/process_tree.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::int64_t nanosPerMilli = 1'000'000;
constexpr std::int64_t killPatienceMillis = 10'000;
constexpr std::int64_t never = INT64_MAX;

sigset_t heardSignals() {
  sigset_t heard;
  ::sigemptyset(&heard);
  for (const int signal : {SIGCHLD, shimSignal::stop, shimSignal::kill, shimSignal::pause, shimSignal::resume})
    ::sigaddset(&heard, signal);
  return heard;
}

Run* theRun = nullptr;

void reapEnded() {
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    ShimRecord& record = theRun->record;
    if (pid != record.leader || record.end != taskEnd::none) continue;
    record.end = WIFEXITED(status) ? taskEnd::exited : taskEnd::signaled;
    record.code = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
    record.finishedAt = utcMicros();
    theRun->progress.durationMillis = (bootNanos() - theRun->begunNanos) / nanosPerMilli;
  }
}

/// What was asked of the command, and when the next step of it is due.
class Watch {
 public:
  explicit Watch(Run& run)
      : run_(run), deadline_(run.spec.deadlineNanos > 0 ? run.spec.deadlineNanos : never), beatAt_(nextBeat()) {}

  void obey(int signal) {
    if (signal == shimSignal::stop || signal == shimSignal::kill) ask("stopped");
    if (signal == shimSignal::kill) killAt_ = bootNanos();
    if (signal == shimSignal::pause && run_.progress.reason == "none") setPaused(true);
    if (signal == shimSignal::resume && run_.progress.state == "paused") setPaused(false);
  }
  void keepTime() {
    const std::int64_t now = bootNanos();
    if (now >= deadline_) {
      ask("time-limit");
      deadline_ = never;
    }
    if (now >= killAt_) {
      signalTree(SIGKILL);
      killAt_ = now + 100 * nanosPerMilli;  // what it was just making
    }
    const bool hasRotated = run_.output.takeRotation() || run_.errors.takeRotation();
    if (now >= beatAt_ || hasRotated) beat();
  }
  /// For poll().
  [[nodiscard]] int millisToNext() const {
    const std::int64_t left = std::min({deadline_, killAt_, beatAt_}) - bootNanos();
    return static_cast<int>(std::clamp<std::int64_t>(left / nanosPerMilli + 1, 0, 60'000));
  }

 private:
  void ask(std::string_view reason) {
    if (run_.progress.reason != "none") return;
    run_.progress.reason = reason;
    run_.progress.state = "stopping";
    killAt_ = bootNanos() + run_.spec.graceMillis * nanosPerMilli;
    signalTree(SIGTERM);
    signalTree(SIGCONT);  // what is stopped hears nothing
    beat();
  }
  void setPaused(bool isPaused) {
    run_.progress.state = isPaused ? "paused" : "running";
    signalTree(isPaused ? SIGSTOP : SIGCONT);
    beat();
  }
  void beat() {
    run_.progress.durationMillis = (bootNanos() - run_.begunNanos) / nanosPerMilli;
    // A full disk may have room again at the next.
    (void)writeStatusFile(run_.directory, run_.spec, run_.record, run_.progress, run_.output, run_.errors, false);
    beatAt_ = nextBeat();
  }
  [[nodiscard]] std::int64_t nextBeat() const { return bootNanos() + run_.spec.heartbeatMillis * nanosPerMilli; }

  Run& run_;
  std::int64_t deadline_;
  std::int64_t killAt_ = never;
  std::int64_t beatAt_;
};

}  // namespace

void blockSignals() {
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
}

void superviseCommand(Run& run) {
  theRun = &run;
  const sigset_t heard = heardSignals();
  const int signals = ::signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
  Watch watch(run);
  while (run.record.end == taskEnd::none) {
    pollfd watched[] = {{signals, POLLIN, 0}, {run.output.readEnd(), POLLIN, 0}, {run.errors.readEnd(), POLLIN, 0}};
    // Without a signalfd, which only a lack of memory can cost, it looks ten times a second.
    const int timeout = signals < 0 ? std::min(100, watch.millisToNext()) : watch.millisToNext();
    ::poll(watched, std::size(watched), timeout);
    if (watched[1].revents != 0) run.output.pump();
    if (watched[2].revents != 0) run.errors.pump();
    for (signalfd_siginfo info{}; ::read(signals, &info, sizeof info) == sizeof info;)
      watch.obey(static_cast<int>(info.ssi_signo));
    reapEnded();
    if (run.record.end == taskEnd::none) watch.keepTime();
  }
  // Its output ends with it: nobody is left who could write.
  (void)killTree(killPatienceMillis, reapEnded);
  while (run.output.pump() || run.errors.pump()) continue;
  if (signals >= 0) ::close(signals);
}

void recordEnd(Run& run) {
  run.progress.state = "exited";
  (void)writeTaskRecord(run.lock.own, run.spec, run.record);
  // As long as a heartbeat may fail before anybody wonders.
  const std::int64_t until = bootNanos() + 2 * run.spec.heartbeatMillis * nanosPerMilli;
  while (!writeStatusFile(run.directory, run.spec, run.record, run.progress, run.output, run.errors, true)) {
    if (bootNanos() >= until) return;
    ::poll(nullptr, 0, 200);
  }
}

}  // namespace v1
}  // namespace callsheet
