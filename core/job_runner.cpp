#include "core/job_runner.h"

#include <algorithm>
#include <random>

#include "callsheet/limits.h"
#include "core/crash_point.h"

namespace callsheet {
inline namespace v1 {

struct JobRunner::Attempt {
  Claim::Item item;
  AttemptRef ref;
  std::stop_source stop;
  std::atomic<bool> isCanceled{false};        // by somebody
  std::atomic<bool> isGivenBack{false};       // the director stops
  std::atomic<bool> isVoid{false};            // fenced, expired, replaced
  std::atomic<bool> isTransferred{false};     // the request is durable
  std::atomic<std::int64_t> progressedAt{0};  // steady clock, ns
};

/// What user code sees. Lives on the worker's stack for one call of execute.
class JobRunner::Context final : public JobContext {
 public:
  Context(JobRunner::Host& host, Attempt& attempt) : host_(host), attempt_(attempt) {}

  JobID id() const override { return attempt_.ref.job; }
  ExecID execID() const override { return attempt_.ref.exec; }
  std::uint32_t attempt() const override { return attempt_.item.row.attempt; }
  std::uint32_t failures() const override { return attempt_.item.row.failures; }
  const std::string& kind() const override { return attempt_.item.row.kind; }
  JobDirector& director() const override { return host_.director(); }
  std::stop_token stopToken() const override { return attempt_.stop.get_token(); }

  void progress(double share, std::string_view text) override {
    using namespace std::chrono;
    const std::int64_t now = duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
    std::int64_t last = attempt_.progressedAt.load();
    if (last != 0 && now - last < nanoseconds(seconds{1}).count()) return;
    if (!attempt_.progressedAt.compare_exchange_strong(last, now)) return;
    host_.progressed(attempt_.ref, std::clamp(share, 0.0, 1.0), std::string(text));
  }

  void transferToPrincipal() override {
    if (host_.isPrincipal()) return;
    const AttemptAnswer answer = host_.requestTransfer(attempt_.ref);
    if (isAccepted(answer.verdict)) {
      attempt_.isTransferred = true;
      crashPoint("transfer.requested");
    } else if (answer.verdict == Verdict::fenced || answer.verdict == Verdict::illegal ||
               answer.verdict == Verdict::notFound) {
      // Somebody else has the job already; what this call of execute does has no effect on it.
      attempt_.isVoid = true;
      attempt_.stop.request_stop();
    } else {
      throw Error(ErrorKind::unavailable, "the transfer could not be stored: " + answer.why);
    }
    throw JobTransfer{};
  }

 private:
  JobRunner::Host& host_;
  Attempt& attempt_;
};

JobRunner::JobRunner(const JobTypes& types, unsigned workers, Host& host)
    : types_(types), host_(host), workers_(workers), pool_(workers) {}

JobRunner::~JobRunner() = default;

void JobRunner::run(Claim::Item item, IncarnationID sender) {
  auto attempt = std::make_shared<Attempt>();
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
  pool_.post([this, attempt = std::move(attempt)] { execute(attempt); });
}

void JobRunner::execute(const std::shared_ptr<Attempt>& attempt) {
  crashPoint("job.claimed");
  std::optional<Verb> end = endOf(*attempt);
  crashPoint("job.executed");
  if (attempt->isVoid) end.reset();
  host_.ended(attempt->ref.job, std::move(end));
  finish(attempt);
  host_.freed();
}

std::optional<Verb> JobRunner::endOf(Attempt& attempt) {
  const AttemptRef& ref = attempt.ref;
  thread_local std::minstd_rand random(std::random_device{}());
  const auto fail = [&](std::string type, std::string message, bool retryable, std::string value = {}) -> Verb {
    if (message.size() > limits::errorBytesMax) message.resize(limits::errorBytesMax);
    return Fail{ref,
                {std::move(type), std::move(message), attempt.item.row.kind, {}},
                retryable,
                static_cast<std::uint32_t>(random()),
                std::move(value)};
  };
  std::optional<Verb> end;
  // What a job throws while it is being stopped is how it stops; what it returns counts all the same.
  const auto asked = [&] { return attempt.isGivenBack && !attempt.isCanceled; };
  try {
    const JobTypes::Type* type = types_.find(attempt.item.row.kind);
    if (type == nullptr || attempt.item.body.kindVersion > type->version) {
      end = Unclaim{ref, "this director does not know the kind, or not this version of it"};
    } else {
      Context context(host_, attempt);
      end = Succeed{ref, type->run(attempt.item.body.parameters, context), {}};
    }
  } catch (const JobTransfer&) {
    end = Unclaim{ref, "it left execute as a transfer that was not stored"};
  } catch (const AttemptNotBegun& reason) {
    end = Unclaim{ref, reason.why.substr(0, limits::textBytesMax)};
  } catch (const JobCanceled&) {
    end = asked() ? Verb(Unclaim{ref, "the director stops"}) : fail("canceled", "it was asked to end", false);
  } catch (const JobError& error) {
    end = asked() ? Verb(Unclaim{ref, "the director stops"})
                  : fail(error.type(), error.what(), error.isRetryable(), error.result());
  } catch (const std::exception& error) {
    end = asked() ? Verb(Unclaim{ref, "the director stops"}) : fail("error", error.what(), true);
  } catch (...) {
    end = asked() ? Verb(Unclaim{ref, "the director stops"})
                  : fail("error", "something that is not a std::exception was thrown", true);
  }
  if (attempt.isTransferred) {
    crashPoint("transfer.left");
    end = Transfer{ref};
  }
  return end;
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
    const std::int64_t deadline = attempt->item.row.deadlineNanos;
    if (!attempt->isVoid && deadline != 0 && deadline < bootNanos) past.push_back(attempt->ref);
  }
  return past;
}

std::int64_t JobRunner::nearestDeadline() const {
  std::int64_t nearest = never;
  for (const auto& attempt : attempts(std::nullopt)) {
    const std::int64_t deadline = attempt->item.row.deadlineNanos;
    if (!attempt->isVoid && deadline != 0) nearest = std::min(nearest, deadline);
  }
  return nearest;
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
