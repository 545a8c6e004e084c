#include "cli/bench/cycles.h"

#include <fmt/format.h>
#include <poll.h>

#include <utility>

#include "cli/bench/bench_child.h"
#include "cli/bench/bench_clock.h"
#include "cli/bench/stream_connection.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr int lookMillis = 1000;
constexpr double patienceSeconds = 60;
}  // namespace

void CycleLedger::made(const std::string& id) {
  if (std::exchange(steps_[id].isMade, true)) throw BenchFailure("two tasks were made with the same id");
}
void CycleLedger::handedOut(const std::string& id) {
  if (std::exchange(steps_[id].isHandedOut, true)) throw BenchFailure("a task was handed out twice");
}
void CycleLedger::done(const std::string& id) {
  Steps& steps = steps_[id];
  if (!steps.isHandedOut) throw BenchFailure("a task was done that nobody had");
  if (std::exchange(steps.isDone, true)) throw BenchFailure("a task was done twice");
  ++doneCount_;
}

void CycleLedger::requireAllDone() const {
  for (const auto& [id, steps] : steps_)
    if (!steps.isMade) throw BenchFailure("the task " + id + " came, and nobody made it");
  if (doneCount_ != steps_.size())
    throw BenchFailure(fmt::format("{} of {} tasks were done", doneCount_, steps_.size()));
}

double driveCycles(const std::string& socketPath, const std::vector<std::unique_ptr<CycleSession>>& sessions,
                   double seconds) {
  std::vector<StreamConnection> connections;
  connections.reserve(sessions.size());
  for (std::size_t i = 0; i < sessions.size(); ++i) connections.emplace_back(socketPath);
  std::vector<pollfd> watched(sessions.size());
  std::size_t going = sessions.size();
  const std::int64_t began = benchNanos();
  const std::int64_t until = began + nanosOf(seconds);
  const std::int64_t end = until + nanosOf(patienceSeconds);
  const auto goOn = [&](std::size_t i) {
    const std::string request = sessions[i]->next(benchNanos() < until);
    if (request.empty()) --going;
    connections[i].send(request);
    // An ended one is not looked at any more.
    watched[i] = {request.empty() ? -1 : connections[i].descriptor(), connections[i].interest(), 0};
  };
  for (std::size_t i = 0; i < sessions.size(); ++i) goOn(i);
  std::int64_t lastAnswer = began;
  while (going > 0) {
    ::poll(watched.data(), watched.size(), lookMillis);
    throwIfInterrupted();
    for (std::size_t i = 0; i < sessions.size(); ++i) {
      if (watched[i].fd < 0 || watched[i].revents == 0) continue;
      if ((watched[i].revents & POLLOUT) != 0) connections[i].flush();
      connections[i].receive();
      watched[i].events = connections[i].interest();
      const std::size_t bytes = sessions[i]->answered(connections[i].received());
      if (bytes == 0) continue;
      connections[i].take(bytes);
      lastAnswer = benchNanos();
      goOn(i);
    }
    if (benchNanos() > end) throw BenchFailure("the last cycles did not end in time");
  }
  return static_cast<double>(lastAnswer - began) / 1e9;
}

}  // namespace v1
}  // namespace callsheet
