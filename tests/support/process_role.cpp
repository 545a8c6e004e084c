#include "tests/support/process_role.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "tests/support/wait_for.h"

namespace callsheet::tests {

namespace {

constexpr std::string_view roleOption = "--role";
constexpr int lineInRole = STDIN_FILENO;

using Roles = std::map<std::string, std::function<int(RoleChannel&)>>;
Roles& roles() {
  static Roles all;
  return all;
}

// A socket, so that writing to a process that is gone is an error and no signal.
void sendAll(int line, const std::string& text) {
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t count = ::send(line, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    sent += static_cast<std::size_t>(count);
  }
}

std::optional<std::string> takeLine(std::string& received) {
  const auto end = received.find('\n');
  if (end == std::string::npos) return std::nullopt;
  std::string line = received.substr(0, end);
  received.erase(0, end + 1);
  return line;
}

/// False at the end of the line.
bool receiveMore(int line, std::string& received) {
  char buffer[4096];
  ssize_t count = 0;
  do count = ::read(line, buffer, sizeof buffer);
  while (count < 0 && errno == EINTR);
  if (count <= 0) return false;
  received.append(buffer, static_cast<std::size_t>(count));
  return true;
}

}  // namespace

std::string RoleChannel::argument(const std::string& name, const std::string& otherwise) const {
  for (const auto& one : arguments_)
    if (one.starts_with(name + "=")) return one.substr(name.size() + 1);
  return otherwise;
}

std::optional<std::string> RoleChannel::readLine() {
  for (;;) {
    if (auto line = takeLine(received_)) return line;
    if (!receiveMore(lineInRole, received_)) return std::nullopt;
  }
}

void RoleChannel::say(const std::string& line) {
  sendAll(lineInRole, line + "\n");
}

RoleRegistration::RoleRegistration(const std::string& name, std::function<int(RoleChannel&)> body) {
  roles()[name] = std::move(body);
}

std::optional<int> playRole(int argc, char** argv) {
  if (argc < 3 || argv[1] != roleOption) return std::nullopt;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto role = roles().find(argv[2]);
  if (role == roles().end()) {
    std::fprintf(stderr, "there is no role '%s' in this test binary\n", argv[2]);
    return 2;
  }
  RoleChannel channel({argv + 3, argv + argc});
  try {
    return role->second(channel);
  } catch (const std::exception& error) {
    channel.say(std::string("failed ") + error.what());
    return 1;
  }
}

RoleProcess::RoleProcess(const std::string& role, const std::vector<std::string>& arguments,
                         const Environment& environment) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw std::runtime_error("no line to a role's process");
  std::vector<std::string> words{"callsheet-test", std::string(roleOption), role};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> settings;
  for (char** one = environ; *one != nullptr; ++one) {
    const std::string_view setting = *one;
    if (!environment.contains(std::string(setting.substr(0, setting.find('='))))) settings.emplace_back(setting);
  }
  for (const auto& [name, value] : environment) settings.push_back(name + "=" + value);
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<char*> envp;
  for (auto& setting : settings) envp.push_back(setting.data());
  envp.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], lineInRole);
  const int failure = ::posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, argv.data(), envp.data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  line_ = ends[0];
  if (failure != 0) {
    pid_ = -1;
    ::close(line_);
    throw std::runtime_error(std::string("a role's process could not be started: ") + std::strerror(failure));
  }
}

RoleProcess::~RoleProcess() {
  end();
}

RoleProcess::RoleProcess(RoleProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      line_(std::exchange(other.line_, -1)),
      status_(std::exchange(other.status_, std::nullopt)),
      received_(std::move(other.received_)) {}

RoleProcess& RoleProcess::operator=(RoleProcess&& other) noexcept {
  if (this == &other) return *this;
  end();
  pid_ = std::exchange(other.pid_, -1);
  line_ = std::exchange(other.line_, -1);
  status_ = std::exchange(other.status_, std::nullopt);
  received_ = std::move(other.received_);
  return *this;
}

void RoleProcess::end() noexcept {
  if (line_ >= 0) ::close(line_);
  line_ = -1;
  if (pid_ < 0 || status_) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

void RoleProcess::send(const std::string& line) {
  sendAll(line_, line + "\n");
}

std::optional<std::string> RoleProcess::readLine(std::chrono::milliseconds deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  for (;;) {
    if (auto line = takeLine(received_)) return line;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd waiting{line_, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) == 0)
      throw std::runtime_error("process " + std::to_string(pid_) + " in its role does not answer");
    if (waiting.revents != 0 && !receiveMore(line_, received_)) return std::nullopt;
  }
}

void RoleProcess::signal(int number) const {
  if (!status_) ::kill(pid_, number);
}

void RoleProcess::kill() {
  const bool wasGone = hasEnded();
  signal(SIGKILL);
  const int status = waitForEnd();
  // Who aborted, or whom a sanitizer ended, was not killed by the test, and must not look like it.
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
    while (receiveMore(line_, received_)) {
    }
    throw std::runtime_error("process " + std::to_string(pid_) + (wasGone ? " had ended" : " ended") +
                             " by itself when it was to be killed, with status " + std::to_string(status) +
                             "; nobody had heard that it said: " + received_);
  }
}

bool RoleProcess::hasEnded() {
  if (status_) return true;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
  status_ = status;
  return true;
}

int RoleProcess::waitForEnd(std::chrono::milliseconds deadline) {
  if (!waitFor([this] { return hasEnded(); }, deadline))
    throw std::runtime_error("process " + std::to_string(pid_) + " in its role does not end");
  return *status_;
}

bool RoleProcess::endedBySignal(int number) {
  const int status = waitForEnd();
  return WIFSIGNALED(status) && WTERMSIG(status) == number;
}

std::vector<std::string> wordsOf(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

}  // namespace callsheet::tests
