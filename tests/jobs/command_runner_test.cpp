#include "jobs/command_runner.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "callsheet/errors.h"
#include "callsheet/json_archive.h"
#include "ipc/process_state.h"
#include "tests/support/open_descriptors.h"

using namespace callsheet;
using callsheet::tests::openDescriptors;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using std::chrono::steady_clock;

namespace {

/// A directory of the test's own with the lock files in it.
class Place {
 public:
  Place() {
    std::string path = (std::filesystem::temp_directory_path() / "callsheet-command-XXXXXX").string();
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    path_ = path;
    directory_ = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    REQUIRE(directory_ >= 0);
  }
  ~Place() {
    ::close(directory_);
    std::filesystem::remove_all(path_);
  }
  [[nodiscard]] int directory() const { return directory_; }
  [[nodiscard]] std::filesystem::path file(const std::string& name) const { return path_ / name; }
  [[nodiscard]] AttemptLock lock(std::chrono::milliseconds patience = 5s) const {
    auto answer = AttemptLock::take(directory_, "job.lock", {1, patience, {}, false});
    INFO(answer.stillHeld);
    REQUIRE(answer.lock.has_value());
    return std::move(*answer.lock);
  }

 private:
  std::filesystem::path path_;
  int directory_ = -1;
};

[[nodiscard]] bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds patience = 10s) {
  const auto deadline = steady_clock::now() + patience;
  while (!condition()) {
    if (steady_clock::now() >= deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

std::string contentOf(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The pid that a script wrote into a file, once the line is whole.
pid_t pidIn(const std::filesystem::path& path) {
  std::string text;
  REQUIRE(eventually([&] {
    text = contentOf(path);
    return !text.empty() && text.back() == '\n';
  }));
  return static_cast<pid_t>(std::stol(text));
}

bool isAlive(pid_t pid) {
  const auto state = processState(pid);
  return state && !state->isEnded();
}

CommandSpec shell(const std::string& script) {
  return {{"sh", "-c", script}, {}, {}};
}

CommandResult run(const Place& place, const CommandSpec& spec, const CommandOptions& options = {},
                  const std::stop_token& cancel = {}) {
  CommandRun command(spec, place.lock(), options);
  const auto failure = command.start();
  INFO((failure ? failure->sentence : ""));
  REQUIRE_FALSE(failure.has_value());
  return command.wait(cancel);
}

using Ending = CommandResult::Ending;

}  // namespace

TEST_CASE("A command's exit code and output come back", "[jobs][command]") {
  const Place place;
  const auto result = run(place, shell("echo out; echo err >&2; exit 7"));
  REQUIRE(result.ending == Ending::exited);
  REQUIRE(result.exitCode == 7);
  REQUIRE(result.signal == 0);
  REQUIRE(result.tail == "out\nerr\n");
  REQUIRE(result.truncatedBytes == 0);
  REQUIRE_FALSE(result.wasCanceled);
  REQUIRE(result.pid > 1);
  REQUIRE(result.duration > 0us);
  REQUIRE(contentOf(place.file("job.lock")).starts_with("0 0 1 "));
}

TEST_CASE("A command that dies of a signal is told from one that exits with 128 + n", "[jobs][command]") {
  const Place place;
  const auto killed = run(place, shell("kill -SEGV $$"));
  REQUIRE(killed.ending == Ending::signaled);
  REQUIRE(killed.signal == SIGSEGV);
  const auto exited = run(place, shell("exit 139"));
  REQUIRE(exited.ending == Ending::exited);
  REQUIRE(exited.exitCode == 139);
}

TEST_CASE("A program that cannot be run is a failure with its reason, and exit code 127 is not", "[jobs][command]") {
  const Place place;
  const auto failureOf = [&](const CommandSpec& spec) {
    CommandRun command(spec, place.lock());
    auto failure = command.start();
    REQUIRE(failure.has_value());
    return *failure;
  };
  const auto missing = failureOf({{"callsheet-no-such-program"}, {}, {}});
  REQUIRE(missing.step == SpawnStep::execute);
  REQUIRE(missing.errnoValue == ENOENT);
  REQUIRE(missing.sentence == "The program 'callsheet-no-such-program' cannot be run: No such file or directory.");
  REQUIRE(failureOf({{"/nowhere/at/all"}, {}, {}}).errnoValue == ENOENT);
  const auto noDirectory = failureOf({{"true"}, {}, "/nowhere/at/all"});
  REQUIRE(noDirectory.step == SpawnStep::workingDirectory);
  REQUIRE_THAT(noDirectory.sentence, Contains("'/nowhere/at/all' cannot be entered"));
  std::ofstream(place.file("plain")) << "text";
  REQUIRE(failureOf({{place.file("plain").string()}, {}, {}}).errnoValue == EACCES);
  std::filesystem::permissions(place.file("plain"), std::filesystem::perms::owner_all);
  REQUIRE(failureOf({{place.file("plain").string()}, {}, {}}).errnoValue == ENOEXEC);
  REQUIRE(failureOf({{}, {}, {}}).step == SpawnStep::prepare);
  REQUIRE(failureOf({{"true"}, {{"A=B", "c"}}, {}}).step == SpawnStep::prepare);
  REQUIRE(run(place, shell("exit 127")).exitCode == 127);
}

TEST_CASE("A command gets its directory, its environment and the PATH in it", "[jobs][command]") {
  const Place place;
  CommandSpec spec = shell("pwd; echo \"$MINE-$HOME-${NOTIFY_SOCKET-none}\"");
  spec.cwd = place.file("").string();
  spec.env = {{"MINE", "x"}, {"HOME", "/other"}};
  ::setenv("NOTIFY_SOCKET", "/run/secret", 1);
  const auto result = run(place, spec);
  ::unsetenv("NOTIFY_SOCKET");
  REQUIRE(result.tail == std::filesystem::canonical(place.file("")).string() + "\nx-/other-none\n");

  std::ofstream(place.file("greet")) << "#!/bin/sh\necho found $0 $1\n";
  std::filesystem::permissions(place.file("greet"), std::filesystem::perms::owner_all);
  const auto found = run(place, {{"greet", "arg"}, {{"PATH", "/nowhere:" + place.file(".").string() + ":/bin"}}, {}});
  REQUIRE_THAT(found.tail, Contains("found ") && Contains("/greet arg"));
}

TEST_CASE("A command inherits the lock of its attempt and no other descriptor", "[jobs][command]") {
  const Place place;
  const int leaky = ::open("/dev/null", O_RDONLY);  // not CLOEXEC: somebody else's mistake
  const auto result = run(place, {{"ls", "-l", "/proc/self/fd"}, {}, {}});
  ::close(leaky);
  REQUIRE_THAT(result.tail, Contains(" 0 -> /dev/null") && Contains(" 109 -> ") && Contains("job.lock"));
  std::istringstream lines(result.tail);
  std::vector<int> numbers;
  for (std::string line; std::getline(lines, line);) {
    const auto arrow = line.find(" -> ");
    if (arrow == line.npos || line.find("-> /proc/") != line.npos) continue;  // of ls itself
    const int number = std::stoi(line.substr(line.rfind(' ', arrow - 1)));
    if (number > 2) numbers.push_back(number);
  }
  REQUIRE(numbers == std::vector<int>{109});
}

TEST_CASE("A command starts with default signals, none of them blocked, in a group of its own", "[jobs][command]") {
  const Place place;
  const auto before = ::signal(SIGPIPE, SIG_IGN);
  sigset_t blocked;
  sigset_t old;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &old);
  const auto result = run(place, {{"cat", "/proc/self/status", "/proc/self/stat"}, {}, {}});
  sigset_t after;
  ::pthread_sigmask(SIG_SETMASK, &old, &after);
  ::signal(SIGPIPE, before);
  REQUIRE(::sigismember(&after, SIGTERM) == 1);
  REQUIRE(::sigismember(&after, SIGINT) == ::sigismember(&old, SIGINT));
  REQUIRE_THAT(result.tail, Contains("SigBlk:\t0000000000000000"));
  const auto ignored = result.tail.find("SigIgn:\t");
  REQUIRE((std::stoull(result.tail.substr(ignored + 8, 16), nullptr, 16) & (1ull << (SIGPIPE - 1))) == 0);
  const auto pid = std::to_string(result.pid);
  REQUIRE_THAT(result.tail, Contains(pid + " (cat) R " + std::to_string(::getpid()) + " " + pid + " "));
}

TEST_CASE("Of ten megabytes of output the last 64 KiB are kept, and the rest is counted", "[jobs][command]") {
  const Place place;
  const auto result = run(place, shell("head -c 10485760 /dev/zero | tr '\\0' x; echo end"));
  REQUIRE(result.exitCode == 0);
  REQUIRE(result.tail.size() == 64u << 10);
  REQUIRE(result.tail.ends_with("xend\n"));
  REQUIRE(result.truncatedBytes + result.tail.size() == 10'485'764);
}

TEST_CASE("A tail keeps exactly the last bytes however they come", "[jobs][command]") {
  for (const std::size_t piece : {1u, 3u, 10u, 11u, 64u}) {
    OutputTail tail(10);
    std::string all;
    for (int index = 0; index < 20; ++index) {
      const std::string part(piece, static_cast<char>('a' + index));
      all += part;
      tail.append(part.data(), part.size());
    }
    REQUIRE(tail.totalBytes() == all.size());
    REQUIRE(tail.take() == all.substr(all.size() - 10));
  }
}

TEST_CASE("Cancel sends TERM to the whole group", "[jobs][command]") {
  const Place place;
  std::stop_source stop;
  const std::string ready = place.file("ready").string();
  CommandRun command(shell("trap 'wait; echo leader; exit 3' TERM;"
                           "(trap 'echo child; exit 0' TERM; echo $$ > " +
                           ready + "; while :; do sleep 0.01; done) & wait"),
                     place.lock());
  REQUIRE_FALSE(command.start().has_value());
  std::thread canceler([&] {
    (void)eventually([&] { return !contentOf(place.file("ready")).empty(); });
    stop.request_stop();
  });
  const auto result = command.wait(stop.get_token());
  canceler.join();
  REQUIRE(result.wasCanceled);
  REQUIRE(result.ending == Ending::exited);
  REQUIRE(result.exitCode == 3);
  REQUIRE(result.tail.ends_with("child\nleader\n"));  // the shell may say before that its sleep was terminated
}

TEST_CASE("A command that ignores TERM is killed after the grace, with all that it started", "[jobs][command]") {
  const Place place;
  std::stop_source stop;
  CommandOptions options;
  options.grace = 50ms;
  CommandRun command(shell("trap '' TERM; sh -c \"trap '' TERM; echo \\$\\$ > " + place.file("grandchild").string() +
                           "; while :; do sleep 1; done\" & while :; do sleep 1; done"),
                     place.lock(), options);
  REQUIRE_FALSE(command.start().has_value());
  const pid_t grandchild = pidIn(place.file("grandchild"));
  REQUIRE(isAlive(grandchild));
  stop.request_stop();
  const auto result = command.wait(stop.get_token());
  REQUIRE(result.wasCanceled);
  REQUIRE(result.ending == Ending::signaled);
  REQUIRE(result.signal == SIGKILL);
  REQUIRE(result.duration >= 50ms);
  REQUIRE_FALSE(isAlive(grandchild));
}

TEST_CASE("A command whose time is over is ended and says so", "[jobs][command]") {
  const Place place;
  CommandOptions options;
  options.timeLimit = 30ms;
  const auto result = run(place, {{"sleep", "1000"}, {}, {}}, options);
  REQUIRE(result.wasTimedOut);
  REQUIRE_FALSE(result.wasCanceled);
  REQUIRE(result.signal == SIGTERM);
  REQUIRE(result.duration >= 30ms);
}

TEST_CASE("What a finished command leaves behind in its group is killed", "[jobs][command]") {
  const Place place;
  const auto result = run(place, shell("sleep 1000 & echo $! > " + place.file("pid").string() + "; exit 5"));
  REQUIRE(result.exitCode == 5);
  REQUIRE_FALSE(isAlive(pidIn(place.file("pid"))));
  REQUIRE(contentOf(place.file("job.lock")).starts_with("0 0 1 "));
}

TEST_CASE("A daemon that left the group with the output open delays nobody", "[jobs][command]") {
  const Place place;
  const auto start = steady_clock::now();
  const auto result =
      run(place, shell("echo first; setsid sh -c 'echo $$ > " + place.file("pid").string() +
                       "; exec sleep 1000' & while ! [ -s " + place.file("pid").string() + " ]; do :; done"));
  REQUIRE(steady_clock::now() - start < 10s);
  REQUIRE(result.exitCode == 0);
  REQUIRE(result.tail == "first\n");
  const pid_t daemon = pidIn(place.file("pid"));
  REQUIRE(isAlive(daemon));
  ::kill(daemon, SIGKILL);
}

TEST_CASE("A run that is given up ends its processes", "[jobs][command]") {
  const Place place;
  pid_t pid = 0;
  {
    CommandRun command(shell("sleep 1000"), place.lock());
    REQUIRE_FALSE(command.start().has_value());
    pid = command.pid();
    REQUIRE(isAlive(pid));
  }
  REQUIRE_FALSE(isAlive(pid));
}

TEST_CASE("Many commands at a time neither mix nor leak", "[jobs][command]") {
  const Place place;
  (void)run(place, shell("true"));  // what is opened once for the whole process
  std::filesystem::remove(place.file("job.lock"));
  const auto before = openDescriptors();
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < 15; ++round) {
        const std::string word = std::to_string(thread) + "-" + std::to_string(round);
        auto answer = AttemptLock::take(place.directory(), word + ".lock", {1, 5s, {}, false});
        if (!answer.lock) continue;
        CommandRun command(shell("echo " + word + "; exit " + std::to_string(round)), std::move(*answer.lock));
        if (command.start()) continue;
        const auto result = command.wait();
        std::filesystem::remove(place.file(word + ".lock"));
        if (result.exitCode == round && result.tail == word + "\n") ++right;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  REQUIRE(right == 60);
  REQUIRE(openDescriptors() == before);
  REQUIRE(std::filesystem::is_empty(place.file("")));
}

TEST_CASE("A command's parameters are natural JSON", "[jobs][command]") {
  REQUIRE(toJson(CommandSpec{{"ls", "-l"}, {{"A", "b"}}, "/tmp"}) ==
          R"({"argv":["ls","-l"],"env":{"A":"b"},"cwd":"/tmp"})");
  CommandSpec spec{{}, {{"A", "b"}}, "/tmp"};
  fromJson(R"({"argv":["true"]})", spec);
  REQUIRE(spec.argv == std::vector<std::string>{"true"});
  REQUIRE(spec.env.empty());
  REQUIRE(spec.cwd.empty());
  REQUIRE_THROWS_AS(fromJson("{}", spec), Error);
}
