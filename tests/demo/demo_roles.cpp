#include "tests/demo/demo_roles.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "callsheet/job_director.h"
#include "tests/demo/compress_job.h"

namespace callsheet {
inline namespace v1 {

JobTypes demoTypes() {
  JobTypes types;
  types.add<CompressJob>(compressKind);
  return types;
}

int runDirector(const std::string& location, const std::string& role) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &end, nullptr);  // before any thread begins
  try {
    JobDirectorOptions options;
    options.workers = workersEach;
    options.log = [&](LogLevel level, std::string_view sentence) {
      if (level >= LogLevel::warning)
        std::fprintf(stderr, "\n[%s] %.*s\n", role.c_str(), static_cast<int>(sentence.size()), sentence.data());
    };
    const auto mode = role == "principal" ? JobDirectorMode::principal() : JobDirectorMode::assistant(role);
    JobDirector director(JobDirectorID(demoStoreID), location, mode, demoTypes(), std::move(options));
    director.start();
    int signal = 0;
    ::sigwait(&end, &signal);
    director.stop(std::chrono::seconds{5});
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "\n[%s] %s\n", role.c_str(), error.what());
    return exitCodeOf(error.kind());
  }
}

pid_t DirectorProcesses::spawn(const std::string& location, const std::string& role) {
  const pid_t process = ::fork();
  if (process < 0) throw Error(ErrorKind::io, "no process can be started");
  if (process == 0) {
    ::execl("/proc/self/exe", "callsheet-demo", "--director", location.c_str(), role.c_str(), nullptr);
    ::_exit(127);
  }
  processes_.push_back(process);
  return process;
}

void DirectorProcesses::kill(pid_t process) {
  ::kill(process, SIGKILL);
  ::waitpid(process, nullptr, 0);
  processes_.erase(std::remove(processes_.begin(), processes_.end(), process), processes_.end());
}

void DirectorProcesses::freeze(pid_t process) {
  ::kill(process, SIGSTOP);
  ::waitpid(process, nullptr, WUNTRACED);
}

void DirectorProcesses::thaw(pid_t process) {
  ::kill(process, SIGCONT);
}

bool DirectorProcesses::stopAll() {
  bool isGood = true;
  for (const pid_t process : processes_) ::kill(process, SIGTERM);
  for (const pid_t process : processes_) {
    int status = 0;
    ::waitpid(process, &status, 0);
    isGood = isGood && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  processes_.clear();
  return isGood;
}

DirectorProcesses::~DirectorProcesses() {
  while (!processes_.empty()) kill(processes_.front());
}

}  // namespace v1
}  // namespace callsheet
