#include "tests/fingerprints/repeated_steps.h"

#include <stdexcept>

#include "callsheet/job.h"
#include "callsheet/job_types.h"
#include "tests/support/memory_host.h"

namespace callsheet::tests {

namespace {

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
  MemoryHost memory;
  {
    JobRunner runner(types, 1, memory);
    runner.run(item, makeIncarnationID());
  }
  const auto rows = memory.rows();
  std::map<std::string, Fingerprint> named;
  for (const auto& [id, row] : rows) {
    std::string name = row.label;
    for (Fingerprint parent = row.parent; !parent.isNil(); parent = rows.at(parent).parent)
      name.insert(0, rows.at(parent).label + '/');
    for (char& c : name)
      if (c == ' ') c = '-';
    named["repeated/" + name] = id;
  }
  return named;
}

}  // namespace callsheet::tests
