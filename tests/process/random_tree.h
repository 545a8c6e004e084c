#pragma once
#include <cereal/types/map.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "callsheet/job.h"

// Trees of steps that follow from a number: wide and deep, with steps that sleep, ask for the transfer, fail, are tried
// again, or run others from inside. What they give follows from the number too.
namespace callsheet::tests {

/// One beginning of a step's code, as its log outside of the store says.
struct StepBegin {
  JobID job;
  Fingerprint step;
  std::int64_t utcMicros = 0;
};
[[nodiscard]] std::vector<StepBegin> readStepBegins(const std::string& directory);

struct Twig : ResultJob<std::int64_t> {
  static constexpr JobKind kind{"twig"};
  std::uint64_t seed = 0;
  int depth = 0;
  JobInput<std::map<int, std::int64_t>> twigs;

  void bindInputs();
  std::int64_t execute(JobContext& context) const;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(seed), CEREAL_NVP(depth), CEREAL_NVP(twigs));
  }
};

struct RandomTree : SubmittableJob {
  std::uint64_t seed = 0;
  JobInput<std::int64_t> top;

  void bindInputs();
  std::string execute(JobContext& context) const;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(seed), CEREAL_NVP(top));
  }
};

/// What a RandomTree gives.
[[nodiscard]] std::int64_t valueOfTree(std::uint64_t seed);

}  // namespace callsheet::tests
