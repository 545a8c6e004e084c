// Jobs that run after others. When a job ends that others wait for, a key says so in the same commit; from there its
// dependents are looked at in slices, some with the end itself and the rest with the claims that follow. So an end
// costs the same whether one job waits for it or a million do, and whoever dies, the key is still there.
#include "callsheet/limits.h"
#include "core/apply/application.h"

namespace callsheet {
inline namespace v1 {

namespace {
using Stage = DependencyKey::Stage;
}  // namespace

std::optional<JobID> Application::missingPrerequisite(const NewJob& job, const std::unordered_set<JobID>& before) {
  for (const Prerequisite& one : job.body.after)
    if (!before.contains(one.job) && !rows_.job(one.job)) return one.job;
  return std::nullopt;
}

void Application::await(JobID id, const std::vector<Prerequisite>& after) {
  for (const Prerequisite& one : after) {
    rows_.putDependency({Stage::open, one.job, id});
    const auto row = rows_.job(one.job);
    if (!row || row->state == JobState::done) noteEnd(one.job);
  }
}

void Application::noteEnd(JobID id) {
  if (dependentsOf(id, Stage::open, 1).empty()) return;
  rows_.putDependency({Stage::ended, id, {}});
  isSettling_ = true;
}

void Application::leavePrerequisites(JobID id) {
  const auto body = rows_.body(id);
  if (!body) return;
  for (const Prerequisite& one : body->after) {
    rows_.eraseDependency({Stage::open, one.job, id});
    rows_.eraseDependency({Stage::settled, one.job, id});
  }
}

std::vector<JobID> Application::dependentsOf(JobID prerequisite, Stage stage, std::size_t limit) {
  std::vector<JobID> found;
  rows_.scanDependencies({stage, prerequisite, {}}, [&](const DependencyKey& key) {
    if (key.stage != stage || key.prerequisite != prerequisite || found.size() == limit) return false;
    found.push_back(key.dependent);
    return true;
  });
  return found;
}

bool Application::hasDependents(JobID id) {
  return !dependentsOf(id, Stage::open, 1).empty() || !dependentsOf(id, Stage::settled, 1).empty();
}

void Application::settleAtOnce() {
  if (!isSettling_) return;
  bool more = false;
  settleDependents(limits::dependentsAtOnce, more);
  if (!more) return;
  // Whoever claims next goes on, and it may be anybody.
  effects_.touch(principalOwner);
  rows_.scanIncarnations([&](const IncarnationRow& row) {
    if (row.isOpen()) effects_.touch(row.queueOwner());
    return true;
  });
}

std::uint32_t Application::settleDependents(std::uint32_t limit, bool& more) {
  std::uint32_t settled = 0;
  for (;;) {
    std::optional<JobID> ended;
    rows_.scanDependencies({Stage::ended, {}, {}}, [&](const DependencyKey& key) {
      if (key.stage == Stage::ended) ended = key.prerequisite;
      return false;
    });
    more = ended.has_value();
    if (!more || settled == limit) return settled;
    const auto dependents = dependentsOf(*ended, Stage::open, limit - settled);
    for (const JobID dependent : dependents) settle(*ended, dependent);
    settled += static_cast<std::uint32_t>(dependents.size());
    if (dependentsOf(*ended, Stage::open, 1).empty()) rows_.eraseDependency({Stage::ended, *ended, {}});
  }
}

Application::Standing Application::standingOf(const Prerequisite& one, std::string& why) {
  std::optional<JobRow> row;
  try {
    row = rows_.job(one.job);
  } catch (const UnreadableRow&) {
    return Standing::open;  // nothing unreadable is dropped, so it has not ended either
  }
  if (row && row->state != JobState::done) return Standing::open;
  if (one.condition == EndCondition::always) return Standing::holds;
  const JobOutcome asked = one.condition == EndCondition::success ? JobOutcome::succeeded : JobOutcome::failed;
  if (row && row->outcome == asked) return Standing::holds;
  const std::string_view became = !row                                    ? "is gone"
                                  : row->outcome == JobOutcome::succeeded ? "succeeded"
                                  : row->outcome == JobOutcome::failed    ? "failed"
                                                                          : "was canceled";
  why = "job " + one.job.toString() + " was to " + (asked == JobOutcome::succeeded ? "succeed" : "fail") +
        " first, and it " + std::string(became);
  return Standing::broken;
}

void Application::settle(JobID prerequisite, JobID dependent) {
  rows_.eraseDependency({Stage::open, prerequisite, dependent});
  std::optional<JobRow> row;
  std::optional<JobBody> body;
  try {
    row = rows_.job(dependent);
    body = rows_.body(dependent);
  } catch (const UnreadableRow&) {
    return;  // `check` names it, and a person may discard it
  }
  if (!row || !body || row->waitingFor != WaitReason::dependency) return;
  rows_.putDependency({Stage::settled, prerequisite, dependent});
  bool isOpen = false;
  std::string broken;
  for (const Prerequisite& one : body->after) {
    const Standing standing = standingOf(one, broken);
    if (standing == Standing::broken) break;
    isOpen = isOpen || standing == Standing::open;
  }
  if (broken.empty() && isOpen) return;
  const JobFacts before = *row;
  if (!broken.empty()) {
    becomeDone(*row, JobOutcome::canceled);
    change(before, *row, Move::cancel, {}, broken);
  } else if (body->dueAt > now_.utcMicros) {
    row->waitingFor = WaitReason::due;
    row->wakeAt = body->dueAt;
    change(before, *row, Move::promote, {});
  } else {
    becomeReady(*row);
    change(before, *row, Move::promote, {});
  }
}

}  // namespace v1
}  // namespace callsheet
