#include "tests/demo/demo_report.h"

#include <algorithm>

namespace callsheet {
inline namespace v1 {

namespace {

/// One job's log, read for what it says about the kill and the end.
struct History {
  int accepted = 0;
  bool isAdopted = false;
  bool wasRunning = false;
  bool isTransferred = false;
  std::int64_t adoptedAt = 0;
  std::int64_t runningAgainAt = 0;
  Uuid acceptedFrom;
};

History historyOf(JobStore& store, JobID id, std::int64_t killedAt) {
  History history;
  for (const LogEntry& entry : store.readLog(id, 0, 1000)) {
    const bool ended = entry.move == Move::holderEnded || entry.move == Move::holderDied;
    if ((ended || entry.move == Move::adopt) && entry.at >= killedAt && !history.isAdopted) {
      history.isAdopted = true;
      history.wasRunning = ended;
      history.adoptedAt = entry.at;
    }
    if (entry.move == Move::transfer) history.isTransferred = true;
    if (entry.move == Move::claim && history.isAdopted && history.runningAgainAt == 0)
      history.runningAgainAt = entry.at;
    if (entry.move == Move::succeed) {
      ++history.accepted;
      history.acceptedFrom = entry.actor;
    }
  }
  return history;
}

void noteEarliest(double& earliest, std::int64_t at, std::int64_t killedAt) {
  if (at == 0) return;
  const double ms = static_cast<double>(at - killedAt) / 1000.0;
  if (earliest < 0 || ms < earliest) earliest = ms;
}

}  // namespace

DemoReport reportOf(JobStore& store, const std::vector<JobID>& jobs, const std::vector<std::vector<Segment>>& input,
                    std::int64_t killedAt) {
  DemoReport report;
  std::map<Uuid, std::string> names;
  for (const IncarnationRow& row : store.incarnations())
    names[row.id.value] = row.role == Role::principal ? "principal" : row.name;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const auto view = store.find(jobs[i]);
    const bool isDone =
        view && view->row.state == JobState::done && view->row.outcome == JobOutcome::succeeded && view->result;
    const History history = historyOf(store, jobs[i], killedAt);
    report.missing += isDone ? 0 : 1;
    report.done += isDone ? 1 : 0;
    report.acceptedTwice += history.accepted > 1 ? 1 : 0;
    report.adopted += history.isAdopted ? 1 : 0;
    report.adoptedRunning += history.isAdopted && history.wasRunning ? 1 : 0;
    report.transferred += history.isTransferred ? 1 : 0;
    if (history.isAdopted) {
      noteEarliest(report.adoptedAfterMs, history.adoptedAt, killedAt);
      noteEarliest(report.firstRunningAfterMs, history.runningAgainAt, killedAt);
    }
    if (!isDone) continue;
    ++report.finishedBy[names[history.acceptedFrom]];
    std::string why;
    try {
      Compressed result;
      fromJson(view->result->value, result);
      report.workMs.push_back(static_cast<double>(result.workMicros) / 1000.0);
      why = whyWrong(result, input[i]);
      report.bytes += result.bytesIn;
    } catch (const std::exception& error) {
      why = error.what();
    }
    if (why.empty())
      ++report.verified;
    else if (report.wrong.size() < 5)
      report.wrong.push_back("job " + jobs[i].toString() + ": " + why);
  }
  std::sort(report.workMs.begin(), report.workMs.end());
  return report;
}

}  // namespace v1
}  // namespace callsheet
