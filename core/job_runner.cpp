#include "core/job_runner.h"

#include <algorithm>
#include <random>

#include "callsheet/limits.h"
#include "callsheet/submit_options.h"
#include "core/crash_point.h"
#include "core/new_job.h"
#include "core/outcome_of_exception.h"

namespace callsheet {
inline namespace v1 {

namespace {
// A hundred detached jobs that are claimed at once need no hundred threads to begin.
constexpr unsigned beginnersMax = 4;
}  // namespace

JobRunner::JobRunner(const JobTypes& types, unsigned workers, Host& host, unsigned more)
    : types_(types), host_(host), workers_(workers), beginners_(beginnersMax), pool_(workers + more) {}

JobRunner::~JobRunner() {
  std::unique_lock lock(mutex_);
  told_.wait(lock, [this] { return detached_ == 0; });
}

void JobRunner::run(Claim::Item item, IncarnationID sender) {
  auto attempt = std::make_shared<Attempt>();
  attempt->deadlineNanos = item.row.deadlineNanos;
  attempt->ref = {item.row.id, item.row.execID, sender};
  attempt->item = std::move(item);
  {
    const std::lock_guard lock(mutex_);
    if (running_.contains(attempt->ref.job)) {
      // Its former attempt was voided but ignores that. Two at once in one process is what nobody's code expects.
      deferred_[attempt->ref.job] = std::move(attempt);
      return;
    }
    running_[attempt->ref.job] = attempt;
  }
  start(std::move(attempt));
}

void JobRunner::start(std::shared_ptr<Attempt> attempt) {
  const JobTypes::Type* const type = types_.find(attempt->item.row.kind);
  WorkerPool& pool = type != nullptr && type->begin ? beginners_ : pool_;
  pool.post([this, attempt = std::move(attempt)] { execute(attempt); });
}

void JobRunner::execute(const std::shared_ptr<Attempt>& attempt) {
  crashPoint("job.claimed");
  TreeEnd broken;
  std::shared_ptr<const detail::Node> root;
  try {
    const JobTypes::Type& type = typeOf(*attempt);
    if (type.begin) return begin(attempt, type);
    root = type.make(attempt->item.body.parameters);
  } catch (const AttemptNotBegun& reason) {
    broken.kind = TreeEnd::Kind::notBegun;
    broken.why = reason.why;
  } catch (...) {
    broken.outcome = outcomeOfException(attempt->item.row.kind, types_.errors());
  }
  if (!root) return complete(attempt, nullptr, std::move(broken));
  const auto tree = std::make_shared<TreeRun>(
      *attempt, host_, types_.errors(), workers_, [this](std::function<void()> task) { pool_.post(std::move(task)); },
      [this, attempt, root](TreeEnd end) { complete(attempt, root.get(), std::move(end)); });
  {
    const std::lock_guard lock(mutex_);
    attempt->tree = tree;
  }
  tree->begin(std::move(root));
}

const JobTypes::Type& JobRunner::typeOf(const Attempt& attempt) const {
  const JobTypes::Type* type = types_.find(attempt.item.row.kind);
  if (type == nullptr || attempt.item.body.kindVersion > type->version)
    throw AttemptNotBegun{"this director does not know the kind, or not this version of it"};
  return *type;
}

/// An attempt as whoever carries it out without a thread sees it.
class JobRunner::Detached final : public DetachedJob {
 public:
  Detached(JobRunner& runner, std::shared_ptr<Attempt> attempt) : runner_(runner), attempt_(std::move(attempt)) {}
  ~Detached() override {
    if (!hasEnded_) end(detail::NodeOutcome::failed("error", "it was let go before its end", kind()));
  }

  JobID id() const override { return attempt_->ref.job; }
  ExecID execID() const override { return attempt_->ref.exec; }
  std::uint32_t attempt() const override { return attempt_->item.row.attempt; }
  std::stop_token stopToken() const override { return attempt_->stop.get_token(); }

  void succeed(std::string value) override {
    detail::NodeOutcome outcome;
    outcome.value = std::move(value);
    end(std::move(outcome));
  }
  void fail(std::exception_ptr why) override {
    try {
      std::rethrow_exception(std::move(why));
    } catch (const JobCanceled&) {
      detail::NodeOutcome outcome = detail::NodeOutcome::failed("canceled", "it was asked to end", kind());
      outcome.isCanceled = true;
      end(std::move(outcome));
    } catch (...) {
      end(outcomeOfException(kind(), runner_.types_.errors()));
    }
  }

 private:
  [[nodiscard]] const std::string& kind() const { return attempt_->item.row.kind; }
  void end(detail::NodeOutcome outcome) {
    if (hasEnded_.exchange(true)) return;
    TreeEnd end;
    end.outcome = std::move(outcome);
    runner_.completeDetached(attempt_, std::move(end));
  }

  JobRunner& runner_;
  const std::shared_ptr<Attempt> attempt_;
  std::atomic<bool> hasEnded_{false};
};

void JobRunner::begin(const std::shared_ptr<Attempt>& attempt, const JobTypes::Type& type) {
  {
    const std::lock_guard lock(mutex_);
    ++detached_;
  }
  const auto job = std::make_shared<Detached>(*this, attempt);
  try {
    type.begin(attempt->item.body.parameters, job);
  } catch (...) {
    job->fail(std::current_exception());
  }
}

void JobRunner::completeDetached(const std::shared_ptr<Attempt>& attempt, TreeEnd end) {
  complete(attempt, nullptr, std::move(end));
  const std::lock_guard lock(mutex_);
  --detached_;
  told_.notify_all();
}

void JobRunner::complete(const std::shared_ptr<Attempt>& attempt, const detail::Node* root, TreeEnd end) {
  crashPoint("job.executed");
  std::optional<Verb> verb;
  if (!attempt->isVoid) verb = verbOf(*attempt, root, std::move(end));
  if (attempt->isVoid) verb.reset();  // meanwhile
  host_.ended(attempt->ref.job, std::move(verb));
  finish(attempt);
  host_.freed();
}

std::optional<Verb> JobRunner::verbOf(const Attempt& attempt, const detail::Node* root, TreeEnd end) const {
  const AttemptRef& ref = attempt.ref;
  if (attempt.isTransferred) {
    crashPoint("transfer.left");
    return Transfer{ref};
  }
  using Kind = TreeEnd::Kind;
  if (end.kind == Kind::notBegun) return Unclaim{ref, end.why.substr(0, limits::textBytesMax)};
  if (end.kind == Kind::suspended && !end.waits.empty()) return Suspend{ref, std::move(end.waits)};
  detail::NodeOutcome& outcome = end.outcome;
  if (end.kind == Kind::finished && outcome.isSuccess()) {
    try {
      auto following = root != nullptr ? root->following(outcome) : std::vector<detail::FollowUp>{};
      end.following.insert(end.following.end(), following.begin(), following.end());
      return Succeed{ref, std::move(outcome.value), jobsOf(std::move(end.following))};
    } catch (...) {
      // What is to follow is part of what the job does.
      return failureOf(attempt, root, outcomeOfException(attempt.item.row.kind, types_.errors()));
    }
  }
  // What a job throws while it is being stopped is how it stops; what it returns counts all the same.
  if (attempt.isGivenBack && !attempt.isCanceled) return Unclaim{ref, "the director stops"};
  if (end.kind == Kind::suspended) return Unclaim{ref, "it left execute as a suspension that waits for nothing"};
  if (end.kind == Kind::stopped || outcome.failure.type.empty())
    outcome = detail::NodeOutcome::failed("canceled", "it was asked to end", attempt.item.row.kind);
  return failureOf(attempt, root, outcome);
}

Verb JobRunner::failureOf(const Attempt& attempt, const detail::Node* root, const detail::NodeOutcome& outcome) const {
  thread_local std::minstd_rand random(std::random_device{}());
  const bool mayRunAgain = outcome.retryable && !outcome.isStored;
  Fail fail{attempt.ref, outcome.failure, mayRunAgain, static_cast<std::uint32_t>(random()), outcome.leftover, {}};
  fail.leastDelayMicros = outcome.leastDelay.count();
  const bool isLast = !mayRunAgain || !mayRetry(attempt.item.body.retry, attempt.item.row.failures + 1);
  if (!isLast || root == nullptr || attempt.isCanceled) return fail;
  try {
    fail.then = jobsOf(root->following(outcome));
  } catch (...) {
    const auto second = outcomeOfException({}, types_.errors());
    fail.failure.message += "; and its failed hook: " + second.failure.message;
    fail.failure.message.resize(std::min(fail.failure.message.size(), limits::errorBytesMax));
  }
  return fail;
}

std::vector<NewJob> JobRunner::jobsOf(std::vector<detail::FollowUp> following) const {
  std::vector<NewJob> jobs;
  for (detail::FollowUp& one : following) {
    const JobTypes::Type& type = types_.typeOf(one.type);
    jobs.push_back(newJobOf(type.kind, type.version, std::move(one.parameters), one.options));
  }
  return jobs;
}

void JobRunner::finish(const std::shared_ptr<Attempt>& attempt) {
  std::shared_ptr<Attempt> next;
  {
    const std::lock_guard lock(mutex_);
    running_.erase(attempt->ref.job);
    const auto waiting = deferred_.find(attempt->ref.job);
    if (waiting != deferred_.end()) {
      next = std::move(waiting->second);
      deferred_.erase(waiting);
      running_[next->ref.job] = next;
    }
  }
  if (next) start(std::move(next));
}

unsigned JobRunner::freeWorkers() const {
  const std::lock_guard lock(mutex_);
  const std::size_t taken = running_.size() + deferred_.size();
  return taken >= workers_ ? 0 : static_cast<unsigned>(workers_ - taken);
}

std::size_t JobRunner::runningCount() const {
  const std::lock_guard lock(mutex_);
  return running_.size() + deferred_.size();
}

std::size_t JobRunner::runningCount(const std::vector<std::string>& kinds) const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto* attempts : {&running_, &deferred_})
    for (const auto& [id, attempt] : *attempts)
      count += std::find(kinds.begin(), kinds.end(), attempt->item.row.kind) != kinds.end() ? 1 : 0;
  return count;
}

bool JobRunner::runsAlone() const {
  const std::lock_guard lock(mutex_);
  return std::any_of(running_.begin(), running_.end(), [](const auto& entry) { return entry.second->item.row.alone; });
}

std::vector<AttemptRef> JobRunner::running() const {
  const std::lock_guard lock(mutex_);
  std::vector<AttemptRef> refs;
  for (const auto* attempts : {&running_, &deferred_})
    for (const auto& [id, attempt] : *attempts)
      if (!attempt->isVoid) refs.push_back(attempt->ref);
  return refs;
}

std::vector<AttemptRef> JobRunner::pastDeadline(std::int64_t bootNanos) const {
  std::vector<AttemptRef> past;
  for (const auto& attempt : attempts(std::nullopt)) {
    const std::int64_t deadline = attempt->deadlineNanos;
    if (!attempt->isVoid && deadline != 0 && deadline < bootNanos) past.push_back(attempt->ref);
  }
  return past;
}

std::optional<std::chrono::nanoseconds> JobRunner::untilNextTime(std::int64_t bootNanos) const {
  std::optional<std::chrono::nanoseconds> nearest;
  const auto consider = [&](std::chrono::nanoseconds time) { nearest = std::min(nearest.value_or(time), time); };
  for (const auto& attempt : attempts(std::nullopt)) {
    const std::int64_t deadline = attempt->deadlineNanos;
    if (!attempt->isVoid && deadline != 0)
      consider(std::chrono::nanoseconds{std::max<std::int64_t>(0, deadline - bootNanos)});
  }
  for (const auto& tree : trees())
    if (const auto time = tree->nextLook()) consider(*time);
  return nearest;
}

void JobRunner::look(TreeLook why) {
  for (const auto& tree : trees()) tree->look(why);
}

std::vector<std::shared_ptr<TreeRun>> JobRunner::trees() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<TreeRun>> found;
  for (const auto& [job, attempt] : running_)
    if (auto tree = attempt->tree.lock()) found.push_back(std::move(tree));
  return found;
}

std::vector<std::string> JobRunner::names() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [id, attempt] : running_) names.push_back(attempt->item.row.kind + " " + id.toString());
  return names;
}

// Stop callbacks are user code, so they never run under the lock.
void JobRunner::cancel(JobID id) {
  for (const auto& attempt : attempts(id))
    if (!attempt->isCanceled.exchange(true)) attempt->stop.request_stop();
}

void JobRunner::makeVoid(JobID id, ExecID exec) {
  for (const auto& attempt : attempts(id)) {
    if (attempt->ref.exec != exec) continue;
    attempt->isVoid = true;
    attempt->stop.request_stop();
  }
}

void JobRunner::prolong(JobID id, ExecID exec, std::int64_t deadlineNanos) {
  for (const auto& attempt : attempts(id))
    if (attempt->ref.exec == exec) attempt->deadlineNanos = deadlineNanos;
}

void JobRunner::giveBackAll() {
  for (const auto& attempt : attempts(std::nullopt)) {
    attempt->isGivenBack = true;
    attempt->stop.request_stop();
  }
}

std::vector<std::shared_ptr<JobRunner::Attempt>> JobRunner::attempts(std::optional<JobID> id) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Attempt>> found;
  for (const auto* attempts : {&running_, &deferred_})
    for (const auto& [job, attempt] : *attempts)
      if (!id || job == *id) found.push_back(attempt);
  return found;
}

}  // namespace v1
}  // namespace callsheet
