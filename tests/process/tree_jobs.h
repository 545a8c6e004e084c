#pragma once
#include <cereal/types/map.hpp>
#include <cereal/types/string.hpp>
#include <map>
#include <string>
#include <vector>

#include "callsheet/job.h"
#include "callsheet/job_types.h"

// Jobs of several steps for the process tests. Each step's code writes its path into a file outside of the store.
namespace callsheet::tests {

void writeStep(const std::string& path);
/// The paths as often as their code began.
[[nodiscard]] std::map<std::string, int> readSteps(const std::string& directory);

/// Gives its path, once its branches have given theirs.
struct Branch : ResultJob<std::string> {
  static constexpr JobKind kind{"branch"};
  std::string path;
  int depth = 0;
  int width = 0;
  JobInput<std::map<int, std::string>> branches;

  void bindInputs();
  std::string execute(JobContext& context) const;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(path), CEREAL_NVP(depth), CEREAL_NVP(width), CEREAL_NVP(branches));
  }
};

/// A tree of that depth and width. With `nap` it sleeps before it ends; with `transferAt` the step of that path asks
/// for the transfer.
struct TreeJob : SubmittableJob {
  int depth = 1;
  int width = 2;
  int napMillis = 0;
  JobInput<std::string> top;

  void bindInputs();
  std::string execute(JobContext& context) const;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(depth), CEREAL_NVP(width), CEREAL_NVP(napMillis), CEREAL_NVP(top));
  }
};

}  // namespace callsheet::tests
