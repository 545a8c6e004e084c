#include "cli/bench/waiting_polls.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <functional>
#include <set>

#include "callsheet/errors.h"
#include "cli/bench/api_principal.h"
#include "cli/bench/bench_clock.h"
#include "cli/bench/process_figures.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::size_t polls = 1000;
constexpr std::size_t callsARequest = 100;  // as many as a batch may have
constexpr long timeoutMillis = 3'600'000;
constexpr rlim_t descriptorsWanted = 4096;
constexpr double settleSecondsMax = 2;
constexpr double patienceSeconds = 60;
constexpr double aimMiB = 64;

/// The limit of this process and of the children that it starts, for as long as the object lives.
class MoreDescriptors {
 public:
  MoreDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit wanted = before_;
    wanted.rlim_cur = std::max(before_.rlim_cur, std::min(before_.rlim_max, descriptorsWanted));
    ::setrlimit(RLIMIT_NOFILE, &wanted);
    if (wanted.rlim_cur < descriptorsWanted)
      throw Error(ErrorKind::usage, "the group waiting needs 4096 open files; raise `ulimit -Hn`");
  }
  ~MoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  MoreDescriptors(const MoreDescriptors&) = delete;
  MoreDescriptors& operator=(const MoreDescriptors&) = delete;

 private:
  rlimit before_{};
};

void waitSeconds(double seconds) {
  const std::int64_t until = benchNanos() + nanosOf(seconds);
  while (benchNanos() < until) {
    throwIfInterrupted();
    nap(std::chrono::milliseconds{100});
  }
}

/// Waits for the answers of all; what each handed out.
std::vector<RpcTask> awaitAll(std::vector<StreamConnection>& waiters) {
  std::vector<RpcTask> tasks;
  std::vector<pollfd> watched;
  for (const StreamConnection& waiter : waiters) watched.push_back({waiter.descriptor(), POLLIN, 0});
  const std::int64_t until = benchNanos() + nanosOf(patienceSeconds);
  for (std::size_t missing = waiters.size(); missing > 0;) {
    if (benchNanos() > until)
      throw BenchFailure(fmt::format("{} of {} long-polls were not fed", missing, waiters.size()));
    ::poll(watched.data(), watched.size(), 1000);
    throwIfInterrupted();
    for (std::size_t i = 0; i < waiters.size(); ++i) {
      if (watched[i].fd < 0 || watched[i].revents == 0) continue;
      waiters[i].receive();
      const auto answer = firstHttpAnswer(waiters[i].received());
      if (!answer) continue;
      requireAccepted(*answer, "long-poll");
      const auto handedOut = tasksIn(answer->body);
      if (handedOut.size() != 1) throw BenchFailure("a long-poll handed out no task, or more than one");
      tasks.push_back(handedOut.front());
      watched[i].fd = -1;
      --missing;
    }
  }
  return tasks;
}

}  // namespace

WaitingPolls::Quiet WaitingPolls::watch(pid_t pid) const {
  waitSeconds(std::min(settleSecondsMax, settings_.idleSeconds));
  const std::uint64_t sleeps = sleepsOf(pid);
  const std::int64_t processor = processorNanosOf(pid);
  const std::int64_t began = benchNanos();
  waitSeconds(settings_.idleSeconds);
  const double seconds = static_cast<double>(benchNanos() - began) / 1e9;
  const ProcessMemory memory = memoryOf(pid);
  return {static_cast<double>(sleepsOf(pid) - sleeps) / seconds,
          static_cast<double>(processorNanosOf(pid) - processor) / 1e3 / seconds, memory.residentMiB,
          memory.privateMiB};
}

void WaitingPolls::measure(unsigned repetition) {
  if (repetition != 0) return;
  const MoreDescriptors more;
  ApiPrincipal principal(directory_.makeFresh());
  without_.push_back(watch(principal.pid()));
  std::vector<StreamConnection> waiters;
  waiters.reserve(polls);
  for (std::size_t i = 0; i < polls; ++i) {
    waiters.emplace_back(principal.socketPath());
    waiters.back().send(httpPost("/rpc", longPollCall(1, timeoutMillis)));
  }
  with_.push_back(watch(principal.pid()));
  for (StreamConnection& waiter : waiters) {
    waiter.receive();
    if (!waiter.received().empty()) throw BenchFailure("a long-poll was answered before there was a task");
  }

  StreamConnection creator(principal.socketPath());
  const std::int64_t before = benchNanos();
  for (std::size_t made = 0; made < polls; made += callsARequest)
    (void)ask(creator, "/rpc", createCalls(callsARequest));
  const std::vector<RpcTask> tasks = awaitAll(waiters);
  fedMillis_.push_back(static_cast<double>(benchNanos() - before) / 1e6);
  std::set<std::string> ids;
  for (const RpcTask& task : tasks) ids.insert(task.id);
  if (ids.size() != polls) throw BenchFailure("a task was handed out twice");
  finishTasks(creator, tasks);
  principal.stop(polls);
}

void WaitingPolls::report(BenchReport& report) const {
  const auto column = [](const std::vector<Quiet>& looks, double Quiet::*figure) {
    std::vector<double> values;
    for (const Quiet& look : looks) values.push_back(look.*figure);
    return values;
  };
  const auto growth = [&](double Quiet::*figure) {
    std::vector<double> values = column(with_, figure);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] -= without_[i].*figure;
    return values;
  };
  const std::string waiting = fmt::format("{} suspended long-polls", polls);
  report.add(group(), "resident memory of the principal, without", "MiB", column(without_, &Quiet::residentMiB));
  report.add(group(), "resident memory, more with " + waiting, "MiB", growth(&Quiet::residentMiB),
             BenchAim{aimMiB, false, "below 64"});
  report.add(group(), "private memory, more with them", "MiB", growth(&Quiet::privateMiB));
  report.add(group(), "wake-ups of the principal, without", "/s", column(without_, &Quiet::wakeUps));
  // A beat of one second may fall into one window once more than into the other.
  report.add(group(), "wake-ups, more with them", "/s", growth(&Quiet::wakeUps),
             BenchAim{1 / settings_.idleSeconds, false,
                      fmt::format("none, give or take one in {:g} s", settings_.idleSeconds)});
  report.add(group(), "processor time of the principal, without", "us/s", column(without_, &Quiet::processorMicros));
  report.add(group(), "processor time, more with them", "us/s", growth(&Quiet::processorMicros));
  report.add(group(), fmt::format("{} creates, {} a request, until all are fed", polls, callsARequest), "ms",
             fedMillis_);
}

}  // namespace v1
}  // namespace callsheet
