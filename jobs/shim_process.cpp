#include "jobs/shim_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "callsheet/errors.h"
#include "ipc/pidfd.h"
#include "ipc/process_state.h"
#include "ipc/write_all.h"
#include "jobs/shim_image.h"

namespace callsheet {
inline namespace v1 {

namespace {

// Beyond what it waits for the lock: a shim that has not said a word by then stands still.
constexpr std::chrono::milliseconds reportPatience{10'000};

constexpr unsigned memoryFileMayRun = 0x10;  // MFD_EXEC, of Linux 6.3, which older headers do not have

void add(std::string& text, std::string_view name, std::string_view value) {
  text.append(name).append("=").append(value).push_back('\0');
}
void add(std::string& text, std::string_view name, std::int64_t value) {
  add(text, name, std::to_string(value));
}

/// From the root, because the shim stands there.
std::string workingDirectoryOf(const CommandSpec& command) {
  if (command.cwd.starts_with('/')) return command.cwd;
  std::error_code error;
  const auto here = std::filesystem::current_path(error);
  if (error) throw systemError("The directory in which the command is to run cannot be named", error.value());
  return command.cwd.empty() ? here.string() : (here / command.cwd).string();
}

void addOptions(std::string& text, const CommandSpec& command) {
  if (command.stdinFile) add(text, specName::input, *command.stdinFile);
  // Seen from the shim's child, which still has the task's directory.
  if (command.input)
    add(text, specName::input,
        "/proc/self/fd/" + std::to_string(shimDescriptor::directory) + "/" + std::string(taskFile::input));
  if (command.umask) add(text, specName::umask, *command.umask);
  if (command.nice) add(text, specName::nice, *command.nice);
  if (const auto priority = command.ionice ? ioPriorityOf(*command.ionice) : std::nullopt)
    add(text, specName::ionice, std::to_string(priority->ioClass) + ":" + std::to_string(priority->level));
  if (command.memoryBytes) add(text, specName::memory, std::to_string(*command.memoryBytes));
  if (command.cpuSeconds) add(text, specName::cpuTime, std::to_string(*command.cpuSeconds));
  if (command.graceMs) add(text, specName::grace, *command.graceMs);
  if (command.separateStderr.value_or(false)) add(text, specName::apart, 1);
  if (command.taskCodes.value_or(false)) add(text, specName::codes, "task");
  if (command.result) add(text, specName::result, 1);
  if (command.outputMaxBytes) add(text, specName::outputMax, std::to_string(*command.outputMaxBytes));
}

std::string specOf(const TaskOrder& order, const ShimPlaces& places) {
  const auto environment = environmentFor(order.command);
  std::string text;
  add(text, specName::job, order.ref.job.toString());
  add(text, specName::exec, order.ref.exec.toString());
  add(text, specName::task, order.name.empty() ? shortIDOf(order.ref.job) : order.name);
  add(text, specName::attempt, order.ref.attempt);
  add(text, specName::boot, currentBootID().toString());
  for (const auto& program : programsFor(order.command.argv.front(), environment))
    add(text, specName::program, program);
  for (const auto& argument : order.command.argv) add(text, specName::argument, argument);
  for (const auto& variable : environment) add(text, specName::variable, variable);
  add(text, specName::workingDirectory, workingDirectoryOf(order.command));
  if (order.deadlineNanos != 0) add(text, specName::deadline, order.deadlineNanos);
  add(text, specName::patience, order.patience.count());
  add(text, specName::heartbeat, order.heartbeat.count());
  addOptions(text, order.command);
  for (const auto& bell : order.bells) add(text, specName::bell, bell);
  if (places.lock >= 0) add(text, specName::lock, 1);
  if (places.group >= 0) add(text, specName::group, places.groupPath);
  if (order.parent != 0) add(text, specName::parent, order.parent);
  return text;
}

FileDescriptor memoryFile(const char* name, std::string_view bytes, unsigned flags) {
  FileDescriptor file(::memfd_create(name, MFD_CLOEXEC | flags));
  // An older kernel knows no MFD_EXEC, and makes every one executable.
  if (!file.isOpen() && errno == EINVAL) file = FileDescriptor(::memfd_create(name, MFD_CLOEXEC));
  if (!file.isOpen()) throw systemError("Memory for a shim cannot be had", errno);
  if (!writeAll(file.number(), bytes)) throw systemError("Memory for a shim cannot be written", errno);
  return file;
}

/// Above the numbers that are given out, so that none of them is overwritten before it is copied. Closed for none.
FileDescriptor above(int descriptor) {
  if (descriptor < 0) return {};
  FileDescriptor copy(::fcntl(descriptor, F_DUPFD_CLOEXEC, shimDescriptor::group + 1));
  if (!copy.isOpen()) throw systemError("A shim cannot be started", errno);
  return copy;
}

/// posix_spawn's two parameters, and their end.
class SpawnPlan {
 public:
  SpawnPlan() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    for (int number = 0; number < 3; ++number) giveNothing(number);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  void give(const FileDescriptor& descriptor, int number) {
    if (!descriptor.isOpen()) return giveNothing(number);
    ::posix_spawn_file_actions_adddup2(&actions_, descriptor.number(), number);
  }
  [[nodiscard]] pid_t run(const std::string& program, char* const* argv) const {
    char* const nothing[] = {nullptr};
    pid_t pid = 0;
    const int error = ::posix_spawn(&pid, program.c_str(), &actions_, &attributes_, argv, nothing);
    if (error != 0) throw systemError("A shim cannot be started", error);
    return pid;
  }

 private:
  void giveNothing(int number) { ::posix_spawn_file_actions_addopen(&actions_, number, "/dev/null", O_RDWR, 0); }

  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

ShimReport reportOf(const ShimProcess& shim, std::chrono::milliseconds patience) {
  ShimReport report;
  report.errnoValue = ETIMEDOUT;
  pollfd watched{shim.report.number(), POLLIN, 0};
  int ready = 0;
  do ready = ::poll(&watched, 1, static_cast<int>(patience.count()));
  while (ready < 0 && errno == EINTR);
  if (ready <= 0) return report;
  ShimReport said;
  if (::read(shim.report.number(), &said, sizeof said) == static_cast<ssize_t>(sizeof said)) return said;
  report.errnoValue = ECHILD;
  return report;
}

}  // namespace

FileDescriptor makeShimProgram() {
  FileDescriptor file = memoryFile(shimName, shimImage(), memoryFileMayRun);
  // While it can be written it cannot be run.
  FileDescriptor program(::open(("/proc/self/fd/" + std::to_string(file.number())).c_str(), O_RDONLY | O_CLOEXEC));
  if (!program.isOpen()) throw systemError("The shim's program cannot be opened", errno);
  // Its number is what the new process runs.
  return above(program.number());
}

ShimProcess startShim(const TaskOrder& order, const ShimPlaces& places) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw systemError("A shim cannot be started", errno);
  FileDescriptor report(ends[0]);
  const FileDescriptor theirs(ends[1]);
  const FileDescriptor spec = memoryFile("callsheet-spec", specOf(order, places), 0);
  const FileDescriptor copies[] = {above(spec.number()), above(places.directory), above(theirs.number()),
                                   above(places.store),  above(places.lock),      above(places.group)};
  std::string arguments[] = {shimName, order.ref.job.toString(), order.ref.exec.toString()};
  char* const argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(), nullptr};
  SpawnPlan plan;
  plan.give(copies[0], shimDescriptor::spec);
  plan.give(copies[1], shimDescriptor::directory);
  plan.give(copies[2], shimDescriptor::report);
  plan.give(copies[3], shimDescriptor::store);
  plan.give(copies[4], shimDescriptor::lock);
  plan.give(copies[5], shimDescriptor::group);
  const pid_t pid = plan.run("/proc/self/fd/" + std::to_string(places.program), argv);
  return {openPidfd(pid), std::move(report)};
}

ShimReport awaitStart(const ShimProcess& shim, std::chrono::milliseconds patience) {
  const ShimReport report = reportOf(shim, patience + reportPatience);
  if (report.step == ShimStep::running) return report;
  if (report.step == ShimStep::prepare && report.errnoValue == ETIMEDOUT)
    (void)signalThroughPidfd(shim.process, SIGKILL);
  reapShim(shim.process);
  return report;
}

void reapShim(const FileDescriptor& process) {
  siginfo_t info{};
  if (process.isOpen()) (void)::waitid(P_PIDFD, static_cast<id_t>(process.number()), &info, WEXITED);
}

TaskFailure failureOf(const ShimReport& report, const CommandSpec& command) {
  const std::string why = std::string(": ") + std::strerror(report.errnoValue) + ".";
  switch (report.step) {
    case ShimStep::superseded:
      return {false, "Another attempt of the job took over before the command began."};
    case ShimStep::locked:
      return {false, "Processes of an earlier attempt hold the task's lock."};
    case ShimStep::prepare:
      return {false, "The command's shim ended before it began" + why};
    case ShimStep::files:
      return {true, "The files of the command's task cannot be written" + why};
    case ShimStep::input:
      return {true, "The file that is to be the command's input cannot be opened" + why};
    case ShimStep::workingDirectory:
      return {true, "The working directory '" + command.cwd + "' cannot be entered" + why};
    case ShimStep::limits:
      return {true, "The command's limits cannot be set" + why};
    case ShimStep::execute:
      return {true, "The program '" + command.argv.front() + "' cannot be run" + why};
    default:
      return {true, "A process for the command cannot be made" + why};
  }
}

}  // namespace v1
}  // namespace callsheet
