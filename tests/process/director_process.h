#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tests/process/stage.h"
#include "tests/support/process_role.h"

namespace callsheet::tests {

/// A director in a process of its own, which does what the test tells it. Everything it is asked after its death is
/// answered with nothing. Lives on the test's thread.
class DirectorProcess {
 public:
  struct Options {
    std::string name;  ///< empty: the principal
    unsigned workers = 4;
    std::chrono::milliseconds lease =
        std::chrono::hours{1};  ///< so that nothing but a death, a stop or a ring can be the cause
    std::chrono::milliseconds writerLimit = std::chrono::hours{1};
    std::string crashAt;  ///< CALLSHEET_CRASH_AT
    std::string role = "director";
    std::vector<std::string> more;  ///< arguments of another role
  };
  DirectorProcess(const Stage& stage, const Options& options);
  [[nodiscard]] static DirectorProcess started(const Stage& stage, const Options& options);
  [[nodiscard]] static DirectorProcess principal(const Stage& stage, unsigned workers = 4);
  [[nodiscard]] static DirectorProcess assistant(const Stage& stage, const std::string& name, unsigned workers = 4);

  [[nodiscard]] static DirectorProcess executor(const Stage& stage, const std::string& name, unsigned workers = 4);
  /// One that runs no jobs itself.
  [[nodiscard]] static DirectorProcess idlePrincipal(const Stage& stage);

  [[nodiscard]] RoleProcess& process() { return process_; }
  [[nodiscard]] pid_t pid() const { return process_.pid(); }
  /// Waits until it has begun; false when it died or was refused, and then whyNot() says why if it could.
  bool awaitStart();
  [[nodiscard]] const std::string& whyNot() const { return whyNot_; }
  [[nodiscard]] IncarnationID incarnation() const { return incarnation_; }

  /// Submits to itself. Nothing when it died before it told; fails the test when it was not accepted.
  std::optional<JobID> submit(const std::string& kind, const std::string& parameters = "{}");
  bool submit(JobID id, const std::string& kind, const std::string& parameters = "{}");
  /// In batches of a hundred; nothing of a batch whose acceptance was not told.
  std::vector<JobID> submitMany(std::size_t count, const std::string& kind, const std::string& parameters = "{}");
  std::optional<bool> cancel(JobID id);
  /// Whether it saw the job done.
  bool awaitDone(JobID id);
  /// The present incarnation as it says itself.
  std::optional<IncarnationID> askIncarnation();
  /// Forks a child that lives until killed and never calls exec.
  std::optional<pid_t> fork();
  /// "KIND ID" of each job that was left running; nothing when it died.
  std::optional<std::vector<std::string>> stop(std::chrono::milliseconds grace = std::chrono::seconds{10});
  /// Ends in good order.
  void quit();
  void kill() { process_.kill(); }

 private:
  RoleProcess process_;
  IncarnationID incarnation_;
  std::string whyNot_;
};

}  // namespace callsheet::tests
