#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/job_runner.h"
#include "ipc/process_state.h"
#include "jobs/builtin_types.h"
#include "jobs/command_runner.h"
#include "tests/jobs/leaderless_group.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/wait_for.h"

// Jobs of the kind callsheet.command, run as the job runner runs them.
namespace callsheet::tests {

namespace {

using namespace std::chrono_literals;

/// What the runner of a director would tell the job.
class FakeContext final : public JobContext {
 public:
  FakeContext(JobID id, std::uint32_t attempt) : id_(id), exec_(ExecID{Uuid::makeV4()}), attempt_(attempt) {}
  JobID id() const override { return id_; }
  ExecID execID() const override { return exec_; }
  std::uint32_t attempt() const override { return attempt_; }
  std::uint32_t failures() const override { return 0; }
  const std::string& kind() const override { return kind_; }
  JobDirector& director() const override { std::abort(); }
  std::stop_token stopToken() const override { return stop.get_token(); }
  void progress(double, std::string_view) override {}
  void transferToPrincipal() override {}

  std::stop_source stop;

 private:
  JobID id_;
  ExecID exec_;
  std::uint32_t attempt_;
  std::string kind_ = commandKind;
};

/// A store's directory, and in it one job's attempts, one after another.
class CommandJob {
 public:
  explicit CommandJob(std::chrono::milliseconds patience = 15s)
      : store_(StoreDirectory::open(directory_.path(), "main", {.create = true})),
        types_(builtinTypes(store_, patience)) {}

  std::string attempt(const std::string& script) {
    FakeContext context(id_, ++attempts_);
    nlohmann::json parameters;
    parameters["argv"] = {"sh", "-c", script};
    return types_.find(commandKind)->make(parameters.dump())->next({context, 0, {}, {}}).outcome->value;
  }
  [[nodiscard]] std::string file(const std::string& name) const { return directory_ / name; }
  [[nodiscard]] std::string lockFile() const { return store_.path("tasks/" + attemptLockName(id_)); }

 private:
  TemporaryDirectory directory_;
  StoreDirectory store_;
  JobTypes types_;
  JobID id_ = makeJobID();
  std::uint32_t attempts_ = 0;
};

bool isAlive(pid_t pid) {
  const auto state = processState(pid);
  return state && !state->isEnded();
}

pid_t pidIn(const std::string& path) {
  pid_t pid = 0;
  std::ifstream(path) >> pid;
  return pid;
}

}  // namespace

TEST_CASE("the next attempt of a command begins only when what left the former one's group is dead", "[jobs]") {
  CommandJob job;
  const std::string pidFile = job.file("stray");
  CHECK_THROWS_AS(job.attempt("setsid sh -c 'echo $$ > " + pidFile + "; exec sleep 1000' & while ! [ -s " + pidFile +
                              " ]; do :; done; exit 1"),
                  JobError);
  const pid_t stray = pidIn(pidFile);
  REQUIRE(stray > 1);
  const bool wasAlive = isAlive(stray);
  // A zombie is dead; it need not have been reaped.
  const std::string result = job.attempt("case $(sed 's/.*) //; s/ .*//' /proc/" + std::to_string(stray) +
                                         "/stat 2>/dev/null) in '' | Z | X) ;; *) echo both ;; esac");
  const bool isDead = !isAlive(stray);
  if (!isDead) ::kill(stray, SIGKILL);
  CHECK(wasAlive);
  CHECK(isDead);
  CHECK(result.find("both\\n") == std::string::npos);
}

TEST_CASE("an attempt that cannot begin because of a former one is given back and is no failure", "[jobs]") {
  CommandJob job(100ms);
  // A group whose leader is gone cannot be told from one of strangers, so it is not killed.
  const pid_t leader = leaderlessGroup();
  std::string record = std::to_string(leader) + " 1 1 " + std::to_string(::getpid()) + " " +
                       std::to_string(processState(::getpid())->startTime) + " " + currentBootID().toString();
  record.resize(attemptRecordBytes, ' ');
  record.back() = '\n';
  std::ofstream(job.lockFile()) << record;
  CHECK_THROWS_AS(job.attempt("true"), AttemptNotBegun);
  ::kill(-leader, SIGKILL);
  ::waitpid(-leader, nullptr, 0);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  CHECK_NOTHROW(job.attempt("true"));
}

}  // namespace callsheet::tests
