#include "tests/fingerprints/repeated_steps.h"

#include <cstdlib>
#include <stdexcept>
#include <utility>
#include <vector>

#include "callsheet/job.h"
#include "callsheet/job_types.h"
#include "core/job_runner.h"

namespace callsheet::tests {

namespace {

/// Keeps what the job remembers. Its one worker uses it, and who waited for that.
class Memory final : public JobRunner::Host {
 public:
  void ended(JobID, std::optional<Verb>) override {}
  void freed() override {}
  AttemptAnswer requestTransfer(const AttemptRef&) override { return ok(); }
  AttemptAnswer saveResults(const AttemptRef&, std::vector<MemoRow> rows) override { return keep(std::move(rows)); }
  AttemptAnswer suspend(const AttemptRef&, std::vector<MemoRow> waits) override { return keep(std::move(waits)); }
  std::vector<MemoRow> memos(JobID) override { return {}; }
  std::optional<MemoRow> memo(JobID, Fingerprint id) override { return rows.at(id); }
  void progressed(const AttemptRef&, double, std::string) override {}
  void noted(const AttemptRef&, std::vector<MemoRow>) override {}
  void handOver(const AttemptRef&) override {}
  void lookLater() override {}
  JobDirector& director() override { std::abort(); }
  std::string directorName() const override { return "main"; }
  bool isPrincipal() const override { return true; }
  const JobInjections& injections() const override { return injected_; }
  std::chrono::nanoseconds transferGrace() const override { return std::chrono::seconds{1}; }
  Moment now() const override { return {1, 1, {}}; }

  std::map<Fingerprint, MemoRow> rows;

 private:
  static AttemptAnswer ok() {
    AttemptAnswer answer;
    answer.verdict = Verdict::ok;
    return answer;
  }
  AttemptAnswer keep(std::vector<MemoRow> added) {
    for (MemoRow& row : added) {
      row.valueBytes = static_cast<std::uint32_t>(row.value.size());
      rows.insert_or_assign(row.id, std::move(row));
    }
    return ok();
  }

  JobInjections injected_;
};

struct Number : ResultJob<int> {
  static constexpr JobKind kind{"number"};
  int value = 11;
  int execute() const { return value; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(value));
  }
};

/// Fails once.
struct Flaky : ResultJob<int> {
  static constexpr JobKind kind{"flaky"};
  JobInput<int> from;
  static inline int runs = 0;
  Flaky() { from = Number{}; }
  int execute() const {
    if (++runs == 1) throw std::runtime_error("not yet");
    return *from;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(from));
  }
};

/// Two retries inside each other, both of which have to repeat once, around a time limit; then a wait that nobody ends.
struct Root : SubmittableJob {
  static constexpr JobKind kind{"root"};
  JobInput<int> total;
  static inline int runs = 0;

  void bindInputs() {
    RetryPolicy atOnce;
    atOnce.firstDelay = atOnce.maxDelay = std::chrono::seconds{0};
    const auto fails = [](int value) {
      if (++runs == 1) throw std::runtime_error("not yet");
      return value;
    };
    total = Flaky{} | timeout(std::chrono::hours{1}) | retry(atOnce) | map("fails", fails) | retry(atOnce);
  }
  int execute(JobContext& context) const { return *total + context.await<int>("answer"); }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(total));
  }
};

}  // namespace

std::map<std::string, Fingerprint> repeatedSteps() {
  JobTypes types;
  types.add<Root>();
  Claim::Item item;
  item.row.id = JobID{Uuid::makeV7()};
  item.row.kind = Root::kind.name;
  item.row.execID = ExecID{Uuid::makeV4()};
  item.body.parameters = "{}";
  Memory memory;
  {
    JobRunner runner(types, 1, memory);
    runner.run(item, makeIncarnationID());
  }
  std::map<std::string, Fingerprint> named;
  for (const auto& [id, row] : memory.rows) {
    std::string name = row.label;
    for (Fingerprint parent = row.parent; !parent.isNil(); parent = memory.rows.at(parent).parent)
      name.insert(0, memory.rows.at(parent).label + '/');
    for (char& c : name)
      if (c == ' ') c = '-';
    named["repeated/" + name] = id;
  }
  return named;
}

}  // namespace callsheet::tests
