#include "tests/process/test_jobs.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "tests/process/random_tree.h"
#include "tests/process/transfer_jobs.h"
#include "tests/process/tree_jobs.h"
#include "tests/support/wait_for.h"

namespace callsheet::tests {

namespace {
// "JOB EXEC PID\n", all of one length, so that a file's size tells their number.
constexpr std::size_t effectBytes = 36 + 1 + 36 + 1 + 10 + 1;
constexpr std::chrono::minutes holdMax{5};

std::string& stage() {
  static std::string directory;
  return directory;
}

std::string effectsIn(const std::string& directory) {
  return directory + "/effects";
}

void requestDeepInside(JobContext& context, int depth) {
  try {
    if (depth > 0) return requestDeepInside(context, depth - 1);
    context.transferToPrincipal();
  } catch (...) {  // what code that handles "all errors" does
  }
}
}  // namespace

void useStage(const std::string& directory) {
  stage() = directory;
}
const std::string& stageDirectory() {
  return stage();
}
bool hasFlag(const std::string& name) {
  return ::access((stage() + "/" + name).c_str(), F_OK) == 0;
}

void writeEffect(const JobContext& context) {
  char line[effectBytes + 1];
  std::snprintf(line, sizeof line, "%s %s %10d\n", context.id().toString().c_str(), context.execID().toString().c_str(),
                ::getpid());
  const int file = ::open(effectsIn(stage()).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0 || ::write(file, line, effectBytes) != static_cast<ssize_t>(effectBytes))
    throw std::runtime_error("no effects log");
  ::close(file);
}

std::vector<Effect> readEffects(const std::string& directory) {
  std::ifstream file(effectsIn(directory));
  std::vector<Effect> effects;
  std::string job;
  std::string exec;
  pid_t pid = 0;
  while (file >> job >> exec >> pid) effects.push_back({*JobID::parse(job), *ExecID::parse(exec), pid});
  return effects;
}

std::size_t countEffects(const std::string& directory) {
  struct stat status {};
  if (::stat(effectsIn(directory).c_str(), &status) != 0) return 0;
  return static_cast<std::size_t>(status.st_size) / effectBytes;
}

std::int64_t answerIn(const std::string& result) {
  return std::stoll(result.substr(1 + 36 + 1));
}

std::string CountJob::execute(JobContext& context) const {
  writeEffect(context);
  return context.execID().toString();
}

std::string HoldJob::execute(JobContext& context) const {
  writeEffect(context);
  if (!waitFor([&] { return hasFlag("release") || context.isCanceled(); }, holdMax))
    throw std::runtime_error("never released");
  if (!hasFlag("release")) context.throwIfCanceled();
  return context.execID().toString();
}

std::string StubbornJob::execute(JobContext& context) const {
  writeEffect(context);
  if (!waitFor([&] { return hasFlag("release"); }, holdMax)) throw std::runtime_error("never released");
  return context.execID().toString();
}

std::string KillerJob::execute(JobContext& context) const {
  writeEffect(context);
  while (hasFlag("poison")) ::raise(SIGKILL);
  return context.execID().toString();
}

std::string TransferJob::execute(JobContext& context) const {
  writeEffect(context);
  std::vector<std::thread> askers;
  for (int i = 0; i < threads; ++i) askers.emplace_back([&context] { requestDeepInside(context, 5); });
  for (auto& asker : askers) asker.join();
  return context.execID().toString();
}

std::string ThrowJob::execute(JobContext& context) const {
  writeEffect(context);
  if (context.failures() < failures) {
    if (what == "exception") throw std::runtime_error("on purpose");
    if (what == "int") throw 42;
    throw JobError("on-purpose", "a failure of its own type", what != "final", "{\"left\":true}");
  }
  return context.execID().toString();
}

std::string BigJob::execute(JobContext& context) const {
  writeEffect(context);
  return std::string(bytes, 'b');
}

JobTypes testJobs() {
  JobTypes types;
  types.add<CountJob>("count").add<HoldJob>("hold").add<StubbornJob>("stubborn").add<KillerJob>("killer");
  types.add<TransferJob>("transfer").add<ThrowJob>("throw").add<BigJob>("big").add<TreeJob>("tree");
  types.add<AwaitJob>("await").add<TransferTree>("transfer-tree").add<BigStepJob>("big-step");
  types.add<OutsideTree>("outside-tree")
      .add<HoldingTree>("holding-tree")
      .add<RandomTree>("random-tree")
      .add<SleepingSteps>("sleeping-steps");
  addTransferJobs(types);
  return types;
}

}  // namespace callsheet::tests
