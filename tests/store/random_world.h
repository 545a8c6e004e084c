#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/names.h"
#include "core/verbs.h"
#include "tests/support/seed.h"
#include "tests/support/steps.h"
#include "tests/support/verbs.h"

namespace callsheet::tests {

/// Makes random verbs that are likely to meet: it remembers directors, jobs and attempts from the answers, old ones
/// too, and repeats itself. What it makes depends on the seed and the answers alone.
class RandomWorld {
 public:
  RandomWorld(std::uint64_t seed, ManualClock& clock) : dice_(seed), clock_(clock) {}

  [[nodiscard]] std::vector<Verb> nextBatch(std::size_t size);
  /// Learns from the answers, and checks what must hold whatever the verbs were; the first broken promise as a
  /// sentence.
  [[nodiscard]] std::optional<std::string> learn(const std::vector<Verb>& verbs, const std::vector<AnyAnswer>& answers);
  void moveClock();

  [[nodiscard]] Dice& dice() { return dice_; }
  [[nodiscard]] const std::vector<JobID>& jobs() const { return jobs_; }
  [[nodiscard]] std::string anyKind() { return kindOf(dice_.roll(3)); }
  /// The last of the three that are submitted is that of commands, whose attempts their shims hold.
  [[nodiscard]] static std::string kindOf(std::uint32_t index) {
    return index == 2 ? commandKind : "k" + std::to_string(index);
  }
  [[nodiscard]] std::string anyKey() { return "key-" + std::to_string(dice_.roll(15)); }
  /// Of few, so that steps and waits meet.
  [[nodiscard]] std::uint16_t anyStep() { return static_cast<std::uint16_t>(1 + dice_.roll(stepCount)); }
  static constexpr std::uint16_t stepCount = 6;
  [[nodiscard]] IncarnationID anyDirector();
  [[nodiscard]] std::uint64_t acceptedResults() const { return finished_.size(); }

 private:
  struct Director {
    IncarnationID id;
    Role role = Role::assistant;
    std::string name;
    std::optional<Claim> lastClaim;
  };
  [[nodiscard]] Verb next();
  [[nodiscard]] Verb attemptVerb();
  [[nodiscard]] Verb savingResult(const AttemptRef& ref);
  [[nodiscard]] Verb suspending(const AttemptRef& ref);
  [[nodiscard]] Verb completing();
  [[nodiscard]] Verb registering();
  [[nodiscard]] Verb closing();
  [[nodiscard]] Verb adopting();
  [[nodiscard]] Verb submitting();
  [[nodiscard]] Verb claiming();
  [[nodiscard]] Verb defining();
  [[nodiscard]] Verb settingQueue();
  [[nodiscard]] Verb scheduling();
  [[nodiscard]] Verb firing(const std::string& name);
  [[nodiscard]] std::optional<std::string> learnSchedule(const Verb& verb);
  [[nodiscard]] Definition definitionOf(const std::string& kind);
  [[nodiscard]] NewJob anyJob();
  [[nodiscard]] JobID recentJob();
  [[nodiscard]] AttemptRef anyAttempt();
  [[nodiscard]] Uuid id();
  /// A row is kept for an hour only, so nobody may repeat a submit later than that.
  [[nodiscard]] bool mayRepeat(JobID job) const;
  [[nodiscard]] Director* directorOf(IncarnationID id);
  [[nodiscard]] std::optional<std::string> learnClaim(const Claim::Answer& answer);

  /// As far as the world knows; mostly right.
  struct KnownSchedule {
    Uuid generation;
    std::uint64_t revision = 0;
    std::int64_t cursor = 0;
  };

  Dice dice_;
  ManualClock& clock_;
  std::map<std::string, KnownSchedule> schedules_;
  std::map<std::string, PutSchedule> lastPuts_;
  PutDefinitions lastDefinitions_;
  std::set<std::pair<Uuid, std::int64_t>> fired_;
  std::vector<Director> directors_;  // open ones as far as the world knows, and some that were closed
  std::vector<IncarnationID> closed_;
  IncarnationID principal_;
  std::vector<JobID> jobs_;
  std::vector<AttemptRef> attempts_;
  std::vector<Verb> said_;
  std::set<ExecID> execIDs_;
  std::map<JobID, std::uint32_t> attemptNumbers_;
  std::map<JobID, std::int64_t> born_;  // UTC us of the first submit
  std::set<JobID> finished_;
};

}  // namespace callsheet::tests
