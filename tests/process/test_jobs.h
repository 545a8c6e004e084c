#pragma once
#include <sys/types.h>

#include <cereal/cereal.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "callsheet/job_types.h"

// The jobs of the process tests; every role knows them all. Each call of execute first writes a line into a log outside
// of the store, which is what the tests' oracle reads.
namespace callsheet::tests {

/// Where this process's jobs find their flags and write their effects.
void useStage(const std::string& directory);
[[nodiscard]] const std::string& stageDirectory();
[[nodiscard]] bool hasFlag(const std::string& name);

/// One call of execute, as its log line says.
struct Effect {
  JobID job;
  ExecID exec;
  pid_t pid = 0;
};
void writeEffect(const JobContext& context);
[[nodiscard]] std::vector<Effect> readEffects(const std::string& directory);
[[nodiscard]] std::size_t countEffects(const std::string& directory);

// The result of each, if it has one, is a text that begins with the execId of the attempt that made it, so that an
// accepted result tells whose it was; a number may follow.
[[nodiscard]] std::int64_t answerIn(const std::string& result);

struct CountJob {
  template <class Archive>
  void serialize(Archive&) {}
  std::string execute(JobContext& context) const;
};

/// Goes on until the flag `release` is there, or until it is asked to end.
struct HoldJob {
  template <class Archive>
  void serialize(Archive&) {}
  std::string execute(JobContext& context) const;
};

/// Goes on until the flag `release` is there, whoever asks it to end.
struct StubbornJob {
  template <class Archive>
  void serialize(Archive&) {}
  std::string execute(JobContext& context) const;
};

/// Kills its process while the flag `poison` is there.
struct KillerJob {
  template <class Archive>
  void serialize(Archive&) {}
  std::string execute(JobContext& context) const;
};

/// Asks for its transfer from deep inside code that swallows whatever is thrown, and returns as if nothing had
/// happened.
struct TransferJob {
  int threads = 1;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(threads));
  }
  std::string execute(JobContext& context) const;
};

/// Throws at its first `failures` attempts: "exception", "int", "job" or "final".
struct ThrowJob {
  std::string what;
  unsigned failures = 1;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(what), CEREAL_NVP(failures));
  }
  std::string execute(JobContext& context) const;
};

/// Returns this many letters.
struct BigJob {
  unsigned bytes = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(bytes));
  }
  std::string execute(JobContext& context) const;
};

[[nodiscard]] JobTypes testJobs();

}  // namespace callsheet::tests
