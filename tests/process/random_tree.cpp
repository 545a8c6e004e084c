#include "tests/process/random_tree.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>

#include "tests/process/test_jobs.h"
#include "tests/support/seed.h"

namespace callsheet::tests {

namespace {
using std::chrono::milliseconds;

constexpr int treeDepth = 3;

// "JOB STEP MICROS\n", all of one length, in one write.
constexpr std::size_t beginBytes = 36 + 1 + 36 + 1 + 20 + 1;

std::string beginsIn(const std::string& directory) {
  return directory + "/step-begins";
}

void writeBegin(const JobContext& context) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  char line[beginBytes + 1];
  std::snprintf(line, sizeof line, "%s %s %20lld\n", context.id().toString().c_str(), context.step().toString().c_str(),
                static_cast<long long>(std::chrono::duration_cast<std::chrono::microseconds>(now).count()));
  const int file = ::open(beginsIn(stageDirectory()).c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ::write(file, line, beginBytes) != static_cast<ssize_t>(beginBytes)) std::abort();
  ::close(file);
}

/// What a twig does beside its sum.
enum class Habit { none, sleeps, transfers, runsAnother, fails, isFlaky };

struct Plan {
  Habit habit = Habit::none;
  std::vector<std::uint64_t> twigs;  // their seeds
  std::uint64_t another = 0;         // of the one that it runs from inside
};

Plan planOf(std::uint64_t seed, int depth) {
  Dice dice(seed);
  Plan plan;
  const std::uint32_t width = depth > 0 ? dice.roll(4) : 0;
  for (std::uint32_t i = 0; i < width; ++i) plan.twigs.push_back(dice.bits());
  plan.another = dice.bits();
  switch (dice.roll(12)) {
    case 0:
      plan.habit = Habit::sleeps;
      break;
    case 1:
      plan.habit = Habit::transfers;
      break;
    case 2:
      if (depth > 0) plan.habit = Habit::runsAnother;
      break;
    case 3:
      plan.habit = Habit::fails;
      break;
    case 4:
      plan.habit = Habit::isFlaky;
      break;
    default:
      break;
  }
  return plan;
}

Twig twigOf(std::uint64_t seed, int depth) {
  Twig twig;
  twig.seed = seed;
  twig.depth = depth;
  return twig;
}

/// With what makes up for its habit.
AnyJob<std::int64_t> sturdyTwig(std::uint64_t seed, int depth) {
  AnyJob<std::int64_t> twig = twigOf(seed, depth);
  const Habit habit = planOf(seed, depth).habit;
  if (habit == Habit::fails) return twig | recover("instead", [](const JobError&) { return std::int64_t{-1}; });
  if (habit != Habit::isFlaky) return twig;
  RetryPolicy policy;
  policy.maxAttempts = 1000;
  policy.firstDelay = policy.maxDelay = milliseconds{1};
  return twig | retry(policy);
}

std::int64_t valueOf(std::uint64_t seed, int depth) {
  const Plan plan = planOf(seed, depth);
  if (plan.habit == Habit::fails) return -1;
  auto sum = static_cast<std::int64_t>(seed % 1000);
  for (const std::uint64_t one : plan.twigs) sum += valueOf(one, depth - 1);
  if (plan.habit == Habit::runsAnother) sum += valueOf(plan.another, depth - 1);
  return sum;
}
}  // namespace

std::vector<StepBegin> readStepBegins(const std::string& directory) {
  std::ifstream file(beginsIn(directory));
  std::vector<StepBegin> begins;
  std::string job;
  std::string step;
  std::int64_t micros = 0;
  while (file >> job >> step >> micros) begins.push_back({*JobID::parse(job), *Fingerprint::parse(step), micros});
  return begins;
}

void Twig::bindInputs() {
  const Plan plan = planOf(seed, depth);
  std::vector<int> keys;
  for (std::size_t i = 0; i < plan.twigs.size(); ++i) keys.push_back(static_cast<int>(i));
  twigs =
      batch(std::move(keys), [&](int key) { return sturdyTwig(plan.twigs[static_cast<std::size_t>(key)], depth - 1); });
}

std::int64_t Twig::execute(JobContext& context) const {
  writeBegin(context);
  const Plan plan = planOf(seed, depth);
  auto sum = static_cast<std::int64_t>(seed % 1000);
  for (const auto& [key, value] : *twigs) sum += value;
  switch (plan.habit) {
    case Habit::none:
      break;
    case Habit::sleeps:
      context.sleep("nap", milliseconds{1 + seed % 40});
      break;
    case Habit::transfers:
      context.transferToPrincipal();
      break;
    case Habit::runsAnother:
      sum += context.run(sturdyTwig(plan.another, depth - 1));
      break;
    case Habit::fails:
      throw JobError("on-purpose", "this twig always fails");
    case Habit::isFlaky:
      if (std::random_device{}() % 2 == 0) throw JobError("flaky", "not this time");
      break;
  }
  return sum;
}

void RandomTree::bindInputs() {
  top = sturdyTwig(seed, treeDepth);
}

std::string RandomTree::execute(JobContext& context) const {
  writeEffect(context);
  return context.execID().toString() + " " + std::to_string(*top);
}

std::int64_t valueOfTree(std::uint64_t seed) {
  return valueOf(seed, treeDepth);
}

}  // namespace callsheet::tests
