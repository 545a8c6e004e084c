#pragma once
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "director/store_access.h"
#include "tests/process/test_jobs.h"
#include "tests/support/temporary_directory.h"

namespace callsheet::tests {

/// A store of a test's own, in memory where the machine has such a directory (these tests are about processes, not
/// about power, and there they get through a hundred times as many commits), with what stands outside of it: the
/// effects log and the flags of its jobs. When the test ends well, the store must tell a true story (finish()). Lives
/// on the test's thread; one at a time in a process.
class Stage {
 public:
  explicit Stage(std::string id = "main");
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  [[nodiscard]] const std::string& location() const { return directory_->path(); }
  [[nodiscard]] const std::string& id() const { return id_; }

  /// This process's own opening, made at the first call.
  [[nodiscard]] StoreAccess& access();
  [[nodiscard]] LmdbJobStore& store() { return access().store(); }
  /// As if this process had never opened it.
  void closeStore() { access_.reset(); }

  /// Of a command that writes an effect as the test jobs do, runs the script with the stage's directory as $1, and has
  /// its execId as its output.
  [[nodiscard]] std::string commandParameters(const std::string& script = "true") const;
  void raiseFlag(const std::string& name) const;
  void lowerFlag(const std::string& name) const;
  [[nodiscard]] std::vector<Effect> effects() const { return readEffects(location()); }
  [[nodiscard]] std::size_t effectCount() const { return countEffects(location()); }
  [[nodiscard]] std::vector<Effect> effectsOf(JobID job) const;
  /// What this store's directors logged.
  [[nodiscard]] std::string log() const;

  /// The row; fails the test when there is none.
  [[nodiscard]] JobRow row(JobID job);
  [[nodiscard]] std::string resultOf(JobID job);
  [[nodiscard]] std::size_t countOf(JobID job, Move move);
  /// The open incarnation of the assistant, or nil.
  [[nodiscard]] IncarnationID openAssistant(const std::string& name);
  /// Submits as somebody without an incarnation: into the principal's queue, or the named assistant's.
  JobID submit(const std::string& kind, const std::string& parameters = "{}", const std::string& to = {});
  bool cancel(JobID job);
  /// Waits until so many calls of execute have begun.
  [[nodiscard]] bool waitForEffects(std::size_t count) const;

  [[nodiscard]] bool waitForDone(const std::vector<JobID>& jobs);
  [[nodiscard]] bool waitForState(JobID job, JobState state);
  /// Until no job is left that is not done.
  [[nodiscard]] bool waitForAllDone(std::chrono::milliseconds deadline = std::chrono::minutes{2});

  /// What must hold after every test: `check` finds nothing; every job's log is legal; no execId was ever handed out
  /// twice; an accepted result was made by the last attempt, which really ran, and was accepted once.
  void finish();
  /// All jobs are done, and no dead presence is left to look at. For tests that end with a living principal.
  void expectNothingLeft();

 private:
  void checkEffects();

  const std::string id_;
  std::unique_ptr<TemporaryDirectory> directory_;
  std::shared_ptr<StoreAccess> access_;
};

}  // namespace callsheet::tests
