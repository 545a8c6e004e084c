#pragma once
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "callsheet/job_director.h"

namespace callsheet {
inline namespace v1 {

/// Takes jobs of the kinds in its JobTypes out of the principal's queue and runs them, in any process and with or
/// without a principal alive: kinds that are defined as `remote`, and native ones that the principal does not know.
/// What ended and the next claim share a commit. Its presence is a lock as a director's is, so that its death gives its
/// jobs back at once, as soon as a principal lives. There may be many of one name. Thread-safe.
///
/// Its attempts are held by that lock: they have a time limit only where the kind's definition or the job sets one, and
/// JobContext::progress() gives the definition's whole time anew. A job that asks for its transfer goes back into the
/// same queue.
class Executor {
 public:
  /// Opens or makes the store `location/<id>.callsheet`. Throws Error as JobDirector does.
  Executor(JobDirectorID id, const std::string& location, std::string_view name, JobTypes types,
           JobDirectorOptions options = {})
      : director_(std::move(id), location, JobDirectorMode::executor(name), std::move(types), std::move(options)) {}

  /// Begins to claim as many jobs as there are free workers.
  void start() { director_.start(); }
  /// Asks running jobs to end, waits up to `grace`, and gives back those that are left.
  StopReport stop(std::chrono::milliseconds grace = std::chrono::seconds{10}) { return director_.stop(grace); }
  [[nodiscard]] bool isRunning() const { return director_.isRunning(); }

  /// For submitting into the principal's queue, waiting, injections and health.
  [[nodiscard]] JobDirector& director() { return director_; }
  [[nodiscard]] const JobDirector& director() const { return director_; }

 private:
  JobDirector director_;
};

}  // namespace v1
}  // namespace callsheet
