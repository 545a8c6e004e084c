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

/// Awaits a number by the name "answer"; leaves its key in a file outside of the store.
struct AwaitJob : SubmittableJob {
  std::string execute(JobContext& context) const;
  template <class Archive>
  void serialize(Archive&) {}
};
/// The key that the latest AwaitJob left.
[[nodiscard]] std::string readKey(const std::string& directory);

/// Writes its path; then does what its name says.
struct NamedStep : ResultJob<std::string> {
  static constexpr JobKind kind{"named-step"};
  std::string name;
  JobInput<std::string> before;
  std::string execute(JobContext& context) const;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(name), CEREAL_NVP(before));
  }
};

/// The step "before", then "asking" for the transfer, and at the same time "stubborn", which goes on until the flag
/// `release`.
struct TransferTree : SubmittableJob {
  bool withStubborn = false;
  JobInput<std::string> asking;
  JobInput<std::string> stubborn;

  void bindInputs();
  std::string execute(JobContext& context) const;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(withStubborn), CEREAL_NVP(asking), CEREAL_NVP(stubborn));
  }
};

/// Work that goes on outside of the process, as a download does: begun by the step "begun", handed to the principal,
/// and over when its key "finished" is completed. Holds its progress until the flag `seen`.
struct OutsideWork : ResultJob<std::string> {
  static constexpr JobKind kind{"outside-work"};
  std::string execute(JobContext& context) const;
  template <class Archive>
  void serialize(Archive&) {}
};

/// Gives what that gave.
struct OutsideTree : SubmittableJob {
  JobInput<std::string> work;

  void bindInputs() { work = OutsideWork{}; }
  std::string execute(JobContext& context) const;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(work));
  }
};

/// The step "before", and then "holding", which goes on until the flag `release`, or until it is asked to end.
struct HoldingTree : SubmittableJob {
  JobInput<std::string> held;

  void bindInputs();
  std::string execute(JobContext& context) const;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(held));
  }
};

/// Sleeps a second.
struct SleepingStep : ResultJob<int> {
  static constexpr JobKind kind{"sleeping-step"};
  int number = 0;
  int execute(JobContext& context) const;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(number));
  }
};

/// So many of them at once.
struct SleepingSteps : SubmittableJob {
  int count = 0;
  JobInput<std::map<int, int>> steps;

  void bindInputs();
  std::string execute(JobContext& context) const;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(count), CEREAL_NVP(steps));
  }
};

/// Has a step "small", and then one whose result is over the limit.
struct BigStepJob : SubmittableJob {
  std::string execute(JobContext& context) const;
  template <class Archive>
  void serialize(Archive&) {}
};

}  // namespace callsheet::tests
