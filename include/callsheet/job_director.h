#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "callsheet/errors.h"
#include "callsheet/job_director_id.h"
#include "callsheet/job_director_mode.h"
#include "callsheet/job_injections.h"
#include "callsheet/job_status.h"
#include "callsheet/job_types.h"
#include "callsheet/log.h"
#include "callsheet/script_options.h"
#include "callsheet/waiting_jobs.h"

namespace callsheet {
inline namespace v1 {

struct JobDirectorOptions {
  unsigned workers = 0;  ///< jobs at once; 0: as many as processors
  WaitingJobs waiting;   ///< kinds among its JobTypes that have workers of their own
  std::chrono::milliseconds lease =
      std::chrono::seconds{30};  ///< principal: a director whose loop stood still this long is fenced; 5 s or more
  std::chrono::milliseconds writerLimit =
      std::chrono::seconds{10};     ///< a process stopped inside a write for this long is killed; 1 s or more
  bool mayBeKilledAsWriter = true;  ///< whether others may do that to this process
  std::chrono::microseconds keepDoneFor = std::chrono::hours{24 * 7};  ///< principal: retention by age; 0: no limit
  std::uint64_t keepDoneCount = 100'000;                               ///< principal: retention by count; 0: no limit
  std::size_t mapBytes = 0;                                            ///< size of the store's map; 0: limits::mapBytes
  bool allowForeignFilesystem = false;                                 ///< you vouch for its locks and mapped memory
  std::chrono::milliseconds transferGrace =
      std::chrono::seconds{10};  ///< how long a job's steps that run may go on after one asked for its transfer
  bool runsJobs = true;          ///< false: only submits, waits and, as principal, adopts
  bool runsCommands = false;     ///< jobs of the kind callsheet.command too, as processes that go on without this one
  std::string program;           ///< with runsCommands: the `callsheet` command, by path or as PATH has it, which
                                 ///< executes scripts and transfers, the same way; empty: neither is run here
  ScriptOptions scripts;         ///< how scripts run
  unsigned transfers = 16;       ///< downloads, uploads and requests at once, beside the workers' jobs
  LogSink log;                   ///< empty: nothing is said
};

/// What stop() left behind.
struct StopReport {
  std::size_t leftRunning =
      0;  ///< jobs that ignored cancellation; they run on in this process, but count as given back
  std::vector<std::string> left;    ///< "KIND ID" of each
  std::size_t commandsRunning = 0;  ///< commands that go on; the principal, or the next one, attends to them
};

/// Whether the threads of a director come round; what a supervisor should know before it trusts isRunning().
struct JobDirectorHealth {
  std::chrono::milliseconds sinceTick{
      0};  ///< since its last look, which comes about once a second; 0 while not running
  std::chrono::milliseconds oldestCommit{0};  ///< how long its queue has waited for the store's answer; 0 when for none
};

/// A process's handle on a store: it submits jobs, runs its own, and waits for any. Thread-safe. Made stopped; start()
/// and stop() may be called in any order and repeatedly, but a director that was stopped does not start again.
class JobDirector {
 public:
  /// Opens or makes the store `location/<id>.callsheet`. Throws Error; Error(usage) for a lease or limit that is too
  /// short.
  JobDirector(JobDirectorID id, const std::string& location, JobDirectorMode mode, JobTypes types,
              JobDirectorOptions options = {});
  /// Stops with a grace of ten seconds. In a forked child, where it has no threads, it does nothing.
  ~JobDirector();
  JobDirector(const JobDirector&) = delete;
  JobDirector& operator=(const JobDirector&) = delete;

  /// Takes the role and begins to run jobs; the principal adopts what others left. Error(conflict) when the store has a
  /// principal already, or a living assistant of this name.
  void start();
  /// Asks running jobs to end, waits up to `grace`, and closes. An assistant's jobs go to the principal, the principal
  /// keeps its own for the next start; nothing is discarded.
  StopReport stop(std::chrono::milliseconds grace = std::chrono::seconds{10});
  /// Whether it runs: started, not stopped, and not fenced for good.
  [[nodiscard]] bool isRunning() const;
  [[nodiscard]] JobDirectorHealth health() const;

  /// Returns when the job is durable. Error(usage) for a type that is not in the JobTypes, and for a job whose inputs
  /// would be bound differently when it is made again from its parameters; so `bindInputs()` is called here too.
  template <ExecutableType Job>
  Submission submit(const Job& job, const SubmitOptions& options = {}) {
    return submitJson(types().template typeOf<Job>().kind, detail::parametersOf(job), options);
  }
  /// All in one commit; each has its own outcome. With `allOrNothing` either all are accepted or none.
  template <ExecutableType Job>
  std::vector<Submission> submitAll(std::span<const Job> jobs, const SubmitOptions& options = {},
                                    bool allOrNothing = false) {
    std::vector<std::string> parameters;
    parameters.reserve(jobs.size());
    for (const Job& job : jobs) parameters.push_back(detail::parametersOf(job));
    return submitAllJson(types().template typeOf<Job>().kind, std::move(parameters), options, allOrNothing);
  }
  /// A kind that this process need not know. The parameters are checked to be JSON.
  Submission submitJson(std::string_view kind, std::string parameters, const SubmitOptions& options = {});
  std::vector<Submission> submitAllJson(std::string_view kind, std::vector<std::string> parameters,
                                        const SubmitOptions& options = {}, bool allOrNothing = false);

  [[nodiscard]] std::optional<JobStatus> status(JobID id) const;
  /// The status as soon as the job is done; what it is when the time is over; nothing when there is no such job.
  [[nodiscard]] std::optional<JobStatus> wait(JobID id, std::chrono::milliseconds timeout);
  /// A job that nobody runs is canceled at once, a running one is asked to end. True as well when that had happened
  /// before, so that it may be repeated. False when the job ended in another way, does not exist, or the store did not
  /// answer in time.
  bool cancel(JobID id, std::string_view why = {});

  /// Ends a job's wait with a value, whether anybody waits yet or not. True as well when somebody ended it before: the
  /// first completion stands. False when the job is done or does not exist, when the key is another store's, or the
  /// store did not answer in time.
  template <class T>
  bool complete(const ExternalJobKey& key, const T& value) {
    return completeJson(key, toJson(value));
  }
  bool completeJson(const ExternalJobKey& key, std::string value);
  /// The same with a failure, which `await` throws as a JobError.
  bool fail(const ExternalJobKey& key, JobFailure failure);

  /// What jobs that run here may ask for (JobInject). To be filled before start().
  [[nodiscard]] JobInjections& injections();

  /// For the code of a job that this director runs: JobContext::transferToPrincipal() of the job on this thread.
  /// Error(usage) elsewhere.
  void transferToPrincipal();

  [[nodiscard]] const JobTypes& types() const;
  [[nodiscard]] const JobDirectorMode& mode() const;
  /// The present incarnation; nil while not running.
  [[nodiscard]] IncarnationID incarnation() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace v1
}  // namespace callsheet
