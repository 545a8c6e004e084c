#include "jobs/command_runner.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

namespace {

using std::chrono::steady_clock;

// What a command gets of the director's environment. The rest may hold secrets, or speak to the director itself.
constexpr std::string_view forCommands[] = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR"};

std::vector<std::string> environmentFor(const CommandSpec& spec) {
  std::vector<std::string> environment;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const auto name = text.substr(0, text.find('='));
    const bool isWanted = name.starts_with("LC_") ||
                          std::find(std::begin(forCommands), std::end(forCommands), name) != std::end(forCommands);
    if (isWanted && !spec.env.contains(std::string(name))) environment.emplace_back(text);
  }
  for (const auto& [name, value] : spec.env) environment.emplace_back(name).append("=").append(value);
  return environment;
}

/// Milliseconds until then for poll(), rounded up; -1 for never.
int pollTimeout(const std::optional<steady_clock::time_point>& until) {
  if (!until) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - steady_clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1 << 30));
}

bool hasZero(const std::string& text) {
  return text.find('\0') != text.npos;
}

}  // namespace

std::optional<std::string> whyRefused(const CommandSpec& spec) {
  if (spec.argv.empty() || spec.argv.front().empty()) return "A command needs the name of its program.";
  for (const auto& argument : spec.argv)
    if (hasZero(argument)) return "An argument of a command must not hold a zero byte.";
  for (const auto& [name, value] : spec.env) {
    if (name.empty() || name.find('=') != name.npos || hasZero(name))
      return "The name of an environment variable must not be empty, and hold neither '=' nor a zero byte.";
    if (hasZero(value)) return "The value of an environment variable must not hold a zero byte.";
  }
  if (hasZero(spec.cwd)) return "A working directory must not hold a zero byte.";
  return std::nullopt;
}

void OutputTail::append(const char* data, std::size_t size) {
  total_ += size;
  if (size > limit_) {
    data += size - limit_;
    size = limit_;
  }
  // The front is cut off only once it is as long as the tail, so that each byte is moved at most once.
  if (bytes_.size() + size > 2 * limit_) bytes_.erase(0, bytes_.size() + size - limit_);
  bytes_.append(data, size);
}

std::string OutputTail::take() {
  if (bytes_.size() > limit_) bytes_.erase(0, bytes_.size() - limit_);
  return std::move(bytes_);
}

CommandRun::CommandRun(CommandSpec spec, AttemptLock lock, CommandOptions options)
    : spec_(std::move(spec)), lock_(std::move(lock)), options_(options), tail_(options.tailBytes) {}

std::optional<SpawnFailure> CommandRun::start() {
  if (const auto why = whyRefused(spec_)) return SpawnFailure{SpawnStep::prepare, EINVAL, *why};
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw systemError("A pipe for a command's output cannot be made", errno);
  output_ = FileDescriptor(ends[0]);
  const FileDescriptor theirs(ends[1]);
  ::fcntl(output_.number(), F_SETFL, O_NONBLOCK);

  SpawnPlan plan;
  plan.argv = spec_.argv;
  plan.environment = environmentFor(spec_);
  plan.workingDirectory = spec_.cwd;
  plan.output = theirs.number();
  plan.lock = lock_.descriptor();
  plan.recordTail = lock_.recordTail();
  plan.lockDirectory = lock_.directory();
  plan.lockName = lock_.name();
  startedAt_ = steady_clock::now();
  auto spawned = ChildProcess::spawn(plan);
  if (auto* failure = std::get_if<SpawnFailure>(&spawned)) {
    lock_.markEnded();
    return std::move(*failure);
  }
  child_.emplace(std::move(std::get<ChildProcess>(spawned)));
  return std::nullopt;
}

bool CommandRun::readOutput() {
  std::array<char, 64 << 10> buffer;
  const ssize_t size = ::read(output_.number(), buffer.data(), buffer.size());
  if (size > 0) tail_.append(buffer.data(), static_cast<std::size_t>(size));
  return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
}

void CommandRun::attend(const std::stop_token& cancel, CommandResult& result) {
  const FileDescriptor wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.isOpen()) throw systemError("A command cannot be waited for", errno);
  const std::stop_callback onCancel(cancel, [&wake] { ::eventfd_write(wake.number(), 1); });

  std::optional<TimePoint> limit;
  if (options_.timeLimit) limit = startedAt_ + *options_.timeLimit;
  std::optional<TimePoint> killAt;
  bool isAsked = false;
  bool isOutputOpen = true;
  for (;;) {
    pollfd watched[] = {{child_->descriptor(), POLLIN, 0},
                        {isAsked ? -1 : wake.number(), POLLIN, 0},
                        {isOutputOpen ? output_.number() : -1, POLLIN, 0}};
    const int ready = ::poll(watched, std::size(watched), pollTimeout(isAsked ? killAt : limit));
    if (ready < 0 && errno != EINTR) throw systemError("A command cannot be waited for", errno);
    if (ready > 0 && watched[2].revents != 0) isOutputOpen = readOutput();
    if (ready > 0 && watched[0].revents != 0) return;

    const auto now = steady_clock::now();
    const bool isOver = limit && now >= *limit;
    if (!isAsked && (cancel.stop_requested() || isOver)) {
      isAsked = true;
      (cancel.stop_requested() ? result.wasCanceled : result.wasTimedOut) = true;
      child_->signalGroup(SIGTERM);
      killAt = now + options_.grace;
    } else if (killAt && now >= *killAt) {
      child_->signalGroup(SIGKILL);
      killAt.reset();
    }
  }
}

void CommandRun::drain() {
  const std::optional<TimePoint> until = steady_clock::now() + options_.drain;
  pollfd watched{output_.number(), POLLIN, 0};
  for (int timeout = pollTimeout(until); timeout > 0; timeout = pollTimeout(until)) {
    const int ready = ::poll(&watched, 1, timeout);
    if (ready == 0 || (ready > 0 && !readOutput())) return;
  }
}

CommandResult CommandRun::wait(const std::stop_token& cancel) {
  CommandResult result;
  result.pid = child_->pid();
  attend(cancel, result);
  result.duration = std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - startedAt_);

  // The leader is a zombie still, so the group's number cannot be anybody else's.
  child_->signalGroup(SIGKILL);
  drain();
  output_.close();
  const auto ending = child_->reap();
  if (ending.isKnown)
    result.ending = ending.signal != 0 ? CommandResult::Ending::signaled : CommandResult::Ending::exited;
  result.exitCode = ending.exitCode;
  result.signal = ending.signal;
  if (child_->isGroupGoneWithin(options_.drain)) lock_.markEnded();
  result.truncatedBytes = tail_.totalBytes();
  result.tail = tail_.take();
  result.truncatedBytes -= result.tail.size();
  return result;
}

}  // namespace v1
}  // namespace callsheet
