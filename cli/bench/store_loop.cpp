#include "cli/bench/store_loop.h"

#include <fmt/format.h>
#include <poll.h>

#include <charconv>

#include "cli/bench/bench_child.h"
#include "director/store_access.h"
#include "ipc/doorbell.h"
#include "ipc/presence_lock.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr const char* kind = "bench";
constexpr int waitMillis = 1000;

// The jobs' parameters, of loadPayloadBytes: {"number":"00000000000000000042","filler":"xxx..."}
constexpr std::string_view head = R"({"number":")";
constexpr std::string_view middle = R"(","filler":")";
constexpr std::string_view tail = R"("})";
constexpr std::size_t digits = 20;

std::string parametersOf(std::uint64_t number) {
  std::string text = fmt::format("{}{:0{}}{}", head, number, digits, middle);
  text.append(loadPayloadBytes - text.size() - tail.size(), 'x');
  return text += tail;
}

std::uint64_t numberIn(const std::string& parameters) {
  std::uint64_t number = 0;
  const char* const from = parameters.data() + head.size();
  const bool isRead =
      parameters.size() == loadPayloadBytes && std::from_chars(from, from + digits, number).ec == std::errc{};
  if (!isRead) throw BenchFailure("a job came with other parameters than were submitted");
  return number;
}

std::string assistantName(unsigned pair) {
  return fmt::format("worker-{}", pair);
}

std::shared_ptr<StoreAccess> openStore(const std::string& directory, bool create) {
  StoreAccess::Options options;
  options.create = create;
  return StoreAccess::open(directory, benchStoreID, options);
}

void requireOk(const Answer& answer, std::string_view verb) {
  if (answer.verdict != Verdict::ok)
    throw BenchFailure(fmt::format("{} was answered {}: {}", verb, toString(answer.verdict), answer.why));
}

class StoreSubmitter final : public LoadClient {
 public:
  StoreSubmitter(const std::string& directory, unsigned pair)
      : access_(openStore(directory, false)), owner_(assistantName(pair)) {}

  void submit(std::uint64_t first, std::uint32_t count) override {
    Submit verb;
    verb.ownerName = owner_;
    verb.jobs.resize(count);
    for (std::uint32_t i = 0; i < count; ++i) {
      verb.jobs[i].id = makeJobID();
      verb.jobs[i].kind = kind;
      verb.jobs[i].body.parameters = parametersOf(first + i);
    }
    const Submit::Answer answer = access_->store().apply(std::move(verb));
    requireOk(answer, "submit");
    for (const SubmittedJob& job : answer.jobs)
      if (job.verdict != Verdict::ok) throw BenchFailure("a job was not accepted: " + job.why);
  }
  void completeAndClaim(std::uint32_t, std::vector<std::uint64_t>&) override {}
  void waitForWork() override {}

 private:
  std::shared_ptr<StoreAccess> access_;
  std::string owner_;
};

class StoreWorker final : public LoadClient {
 public:
  StoreWorker(const std::string& directory, unsigned pair)
      : access_(openStore(directory, false)),
        incarnation_(makeIncarnationID()),
        presence_(PresenceLock::acquire(access_->directory(), incarnation_,
                                        PresenceInfo::ofThisProcess(assistantName(pair), "assistant"))),
        bell_(DoorbellSocket::bind(access_->directory(), incarnation_)) {
    RegisterIncarnation verb;
    verb.id = incarnation_;
    verb.name = assistantName(pair);
    verb.kinds = {kind};
    requireOk(access_->store().apply(std::move(verb)), "register");
  }
  ~StoreWorker() override {
    (void)access_->store().apply(CloseIncarnation{incarnation_, Closing::stopped, incarnation_});
    presence_.releaseAndUnlink();
  }
  StoreWorker(const StoreWorker&) = delete;
  StoreWorker& operator=(const StoreWorker&) = delete;

  void submit(std::uint64_t, std::uint32_t) override {}

  // What QueueRunner does when jobs take no time: their ends and the next claim in one post.
  void completeAndClaim(std::uint32_t max, std::vector<std::uint64_t>& numbers) override {
    std::vector<Verb> verbs;
    verbs.reserve(held_.size() + 1);
    for (const AttemptRef& attempt : held_) {
      Succeed verb;
      verb.attempt = attempt;
      verbs.emplace_back(std::move(verb));
    }
    Claim claim;
    claim.id = makeClaimID();
    claim.claimer = incarnation_;
    claim.kinds = {kind};
    claim.max = max;
    verbs.emplace_back(std::move(claim));
    auto answers = access_->store().applyAll(std::move(verbs));
    for (std::size_t i = 0; i < held_.size(); ++i) requireOk(baseOf(answers[i]), "succeed");
    const auto& claimed = std::get<Claim::Answer>(answers.back());
    requireOk(claimed, "claim");
    held_.clear();
    numbers.clear();
    for (const Claim::Item& item : claimed.jobs) {
      held_.push_back({item.row.id, item.row.execID, incarnation_});
      numbers.push_back(numberIn(item.body.parameters));
    }
  }

  void waitForWork() override {
    pollfd heard{bell_.descriptor(), POLLIN, 0};
    ::poll(&heard, 1, waitMillis);
    bell_.drain();
  }

 private:
  std::shared_ptr<StoreAccess> access_;
  IncarnationID incarnation_;
  PresenceLock presence_;
  DoorbellSocket bell_;
  std::vector<AttemptRef> held_;
};

}  // namespace

void makeBenchStore(const std::string& directory) {
  (void)openStore(directory, true);
}

void requireAllSucceeded(const std::string& directory, std::uint64_t jobs) {
  const auto access = openStore(directory, false);
  const Totals totals = access->store().totals();
  const std::uint64_t succeeded = totals.done[static_cast<std::size_t>(JobOutcome::succeeded)];
  if (totals.submitted != jobs || totals.jobs() != jobs || succeeded != jobs)
    throw BenchFailure(fmt::format("the store counts {} jobs, {} of them succeeded, where {} were submitted",
                                   totals.submitted, succeeded, jobs));
  const CheckReport check = access->store().check();
  if (!check.isClean()) throw BenchFailure("the store's check is not clean: " + check.problems.front());
}

std::unique_ptr<LoadClient> makeStoreSubmitter(const std::string& directory, unsigned pair) {
  return std::make_unique<StoreSubmitter>(directory, pair);
}
std::unique_ptr<LoadClient> makeStoreWorker(const std::string& directory, unsigned pair) {
  return std::make_unique<StoreWorker>(directory, pair);
}

}  // namespace v1
}  // namespace callsheet
