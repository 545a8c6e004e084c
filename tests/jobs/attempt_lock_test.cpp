#include "jobs/attempt_lock.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <thread>

#include "ipc/process_state.h"
#include "jobs/command_runner.h"
#include "tests/jobs/leaderless_group.h"

using namespace callsheet;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using std::chrono::steady_clock;

namespace {

class Place {
 public:
  Place() {
    std::string path = (std::filesystem::temp_directory_path() / "callsheet-attempt-XXXXXX").string();
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    path_ = path;
    directory_ = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    REQUIRE(directory_ >= 0);
  }
  ~Place() {
    ::close(directory_);
    std::filesystem::remove_all(path_);
  }
  [[nodiscard]] AttemptLock::Answer take(std::chrono::milliseconds patience = 10s, std::uint32_t attempt = 1) const {
    return AttemptLock::take(directory_, "job.lock", {attempt, patience, {}, false});
  }
  [[nodiscard]] int directory() const { return directory_; }
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

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

std::string contentOf(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

pid_t pidIn(const std::string& path) {
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

/// What stands in a record behind the leader's pid and start time.
std::string tailOfThisProcess(std::uint32_t attempt = 1) {
  return std::to_string(attempt) + " " + std::to_string(::getpid()) + " " +
         std::to_string(processState(::getpid())->startTime) + " " + currentBootID().toString();
}

void writeRecord(const Place& place, std::string line) {
  line.resize(attemptRecordBytes, ' ');
  line.back() = '\n';
  std::ofstream(place.file("job.lock")) << line;
}

/// A director in a process of its own that runs a script under the lock, until it is killed.
class OtherDirector {
 public:
  OtherDirector(const Place& place, const std::string& script) : pid_(::fork()) {
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      auto answer = place.take();
      if (!answer.lock) ::_exit(1);
      CommandRun command({{"sh", "-c", script}, {}, {}}, std::move(*answer.lock));
      if (command.start()) ::_exit(2);
      (void)command.wait();
      for (;;) ::pause();
    }
  }
  ~OtherDirector() { kill(); }
  void signal(int number) const { ::kill(pid_, number); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

/// Kills what a test may have left, whatever became of the test; a negative number is a group's.
struct AtEnd {
  pid_t pid;
  ~AtEnd() {
    if (pid > 1 || pid < -1) ::kill(pid, SIGKILL);
  }
};

}  // namespace

TEST_CASE("The lock of an attempt excludes within one process and is free after the run", "[jobs][lock]") {
  const Place place;
  {
    auto first = place.take();
    REQUIRE(first.lock.has_value());
    const auto second = place.take(10ms);
    REQUIRE_FALSE(second.lock.has_value());
    REQUIRE_THAT(second.stillHeld, Contains("its lock is held by"));
  }
  auto third = place.take(0ms);
  REQUIRE(third.lock.has_value());
  third.lock->remove();
  REQUIRE_FALSE(std::filesystem::exists(place.file("job.lock")));
  // The removed file is locked still, and that is nobody's business.
  REQUIRE(place.take(0ms).lock.has_value());
}

TEST_CASE("A lock on a file that its holder removed meanwhile is never handed out", "[jobs][lock]") {
  const Place place;
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  std::atomic<int> taken = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int round = 0; round < 500; ++round) {
        auto answer = place.take(0ms);
        if (!answer.lock) continue;
        ++taken;
        const int now = ++inside;
        for (int before = most; before < now && !most.compare_exchange_weak(before, now);) {
        }
        std::this_thread::yield();
        --inside;
        // From here on a thread that opened the file before may lock what nobody can find any more.
        answer.lock->remove();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  REQUIRE(taken > 0);
  REQUIRE(most == 1);
}

TEST_CASE("The lock file names the process tree before its program runs", "[jobs][lock]") {
  const Place place;
  auto answer = place.take();
  CommandRun command({{"cat", place.file("job.lock")}, {}, {}}, std::move(*answer.lock));
  REQUIRE_FALSE(command.start().has_value());
  const auto result = command.wait();
  REQUIRE_THAT(result.tail, Catch::Matchers::StartsWith(std::to_string(result.pid) + " "));
  REQUIRE_THAT(result.tail, Contains(" " + tailOfThisProcess()));
}

TEST_CASE("When the director is killed, its successor kills the old tree and only then has the lock", "[jobs][lock]") {
  const Place place;
  OtherDirector director(
      place, "trap '' TERM HUP; (trap '' TERM HUP; echo $$ > /dev/null; while :; do sleep 1; done) & echo $! > " +
                 place.file("grandchild") + "; echo $$ > " + place.file("leader") + "; while :; do sleep 1; done");
  const pid_t leader = pidIn(place.file("leader"));
  const pid_t grandchild = pidIn(place.file("grandchild"));
  const AtEnd first{leader};
  const AtEnd second{grandchild};
  director.kill();
  REQUIRE(isAlive(leader));
  REQUIRE(isAlive(grandchild));
  const auto answer = place.take();
  INFO(answer.stillHeld);
  REQUIRE(answer.lock.has_value());
  REQUIRE_FALSE(isAlive(leader));
  REQUIRE_FALSE(isAlive(grandchild));
}

TEST_CASE("A process that left the group but kept the lock is killed for the next attempt", "[jobs][lock]") {
  const Place place;
  OtherDirector director(place, "setsid sh -c 'echo $$ > " + place.file("stray") + "; exec sleep 1000' & wait");
  const pid_t stray = pidIn(place.file("stray"));
  const AtEnd end{stray};
  director.kill();
  const auto answer = place.take();
  INFO(answer.stillHeld);
  REQUIRE(answer.lock.has_value());
  REQUIRE_FALSE(isAlive(stray));
}

TEST_CASE("Programs that closed the lock are found through the record when their director was killed", "[jobs][lock]") {
  const Place place;
  OtherDirector director(place, "exec bash -c 'exec 109>&-; (while :; do sleep 1; done) & echo $! > " +
                                    place.file("child") + "; echo $$ > " + place.file("leader") +
                                    "; while :; do sleep 1; done'");
  const pid_t leader = pidIn(place.file("leader"));
  const pid_t child = pidIn(place.file("child"));
  const AtEnd end{-leader};
  director.kill();
  REQUIRE(isAlive(leader));
  REQUIRE(isAlive(child));
  const auto answer = place.take();
  INFO(answer.stillHeld);
  REQUIRE(answer.lock.has_value());
  REQUIRE_FALSE(isAlive(leader));
  REQUIRE_FALSE(isAlive(child));
}

TEST_CASE("A stopped director is not killed for its lock but its command is and the next attempt begins",
          "[jobs][lock]") {
  const Place place;
  OtherDirector director(place, "setsid sh -c 'echo $$ > " + place.file("stray") + "; exec sleep 1000' & echo $$ > " +
                                    place.file("leader") + "; exec sleep 1000");
  const pid_t leader = pidIn(place.file("leader"));
  const pid_t stray = pidIn(place.file("stray"));
  const AtEnd end{stray};
  director.signal(SIGSTOP);
  REQUIRE(eventually([&] { return processState(director.pid())->isStoppedOrTraced(); }));
  // The first look finds the command's processes and ends them; a slow machine lets no second one into the same time.
  const std::string holder = "the director in process " + std::to_string(director.pid());
  REQUIRE(eventually([&] {
    const auto patient = place.take(AttemptLock::replaceAfter / 10, 2);
    REQUIRE_FALSE(patient.lock.has_value());
    return patient.stillHeld.find(holder) != std::string::npos;
  }));
  auto answer = place.take(10s, 2);
  INFO(answer.stillHeld);
  REQUIRE(answer.lock.has_value());
  REQUIRE_FALSE(isAlive(leader));
  REQUIRE_FALSE(isAlive(stray));
  REQUIRE(isAlive(director.pid()));
  // The lock is as good as the first one, and the hung director's return does not change that.
  director.signal(SIGCONT);
  REQUIRE_FALSE(place.take(50ms, 3).lock.has_value());
  answer.lock.reset();
  REQUIRE(place.take(0ms, 3).lock.has_value());
}

TEST_CASE("A command is not started for an attempt whose lock gave way to the next one", "[jobs][lock]") {
  const Place place;
  const pid_t late = ::fork();
  if (late == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    auto answer = place.take();
    if (!answer.lock) ::_exit(1);
    CommandRun command({{"touch", place.file("ran")}, {}, {}}, std::move(*answer.lock));
    ::raise(SIGSTOP);
    const auto failure = command.start();
    ::_exit(failure && failure->step == SpawnStep::superseded ? 42 : 2);
  }
  const AtEnd end{late};
  int status = 0;
  REQUIRE(::waitpid(late, &status, WUNTRACED) == late);
  REQUIRE(WIFSTOPPED(status));
  const auto answer = place.take(10s, 2);
  INFO(answer.stillHeld);
  REQUIRE(answer.lock.has_value());
  ::kill(late, SIGCONT);
  REQUIRE(::waitpid(late, &status, 0) == late);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 42);
  REQUIRE_FALSE(std::filesystem::exists(place.file("ran")));
}

TEST_CASE("An attempt that comes late leaves the tree of a later one alone", "[jobs][lock]") {
  const Place place;
  auto later = place.take(0ms, 7);
  REQUIRE(later.lock.has_value());
  CommandRun command({{"sleep", "1000"}, {}, {}}, std::move(*later.lock));
  REQUIRE_FALSE(command.start().has_value());
  const auto late = place.take(AttemptLock::replaceAfter * 2, 6);
  REQUIRE_FALSE(late.lock.has_value());
  REQUIRE(late.isSuperseded);
  REQUIRE(isAlive(command.pid()));
  const auto spared = AttemptLock::take(place.directory(), "job.lock", {8, 10s, {}, true});
  REQUIRE_FALSE(spared.lock.has_value());
  REQUIRE(isAlive(command.pid()));
}

TEST_CASE("A process that keeps the lock after its command's end is killed for the next attempt", "[jobs][lock]") {
  const Place place;
  {
    auto answer = place.take();
    CommandRun command({{"sh", "-c",
                         "setsid sh -c 'echo $$ > " + place.file("stray") + "; exec sleep 1000' & while ! [ -s " +
                             place.file("stray") + " ]; do :; done; exit 1"},
                        {},
                        {}},
                       std::move(*answer.lock));
    REQUIRE_FALSE(command.start().has_value());
    REQUIRE(command.wait().exitCode == 1);
  }
  const pid_t stray = pidIn(place.file("stray"));
  const AtEnd end{stray};
  REQUIRE(isAlive(stray));
  const auto answer = place.take(10s, 2);
  INFO(answer.stillHeld);
  REQUIRE(answer.lock.has_value());
  REQUIRE_FALSE(isAlive(stray));
}

TEST_CASE("The name of another file is not removed with a lock that lost its own", "[jobs][lock]") {
  const Place place;
  const auto first = place.take();
  REQUIRE(first.lock.has_value());
  std::filesystem::remove(place.file("job.lock"));
  const auto second = place.take(0ms, 2);
  REQUIRE(second.lock.has_value());
  first.lock->remove();
  REQUIRE(std::filesystem::exists(place.file("job.lock")));
  second.lock->remove();
  REQUIRE_FALSE(std::filesystem::exists(place.file("job.lock")));
}

TEST_CASE("A pid that was used again is never signalled", "[jobs][lock]") {
  const Place place;
  const pid_t stranger = ::fork();
  if (stranger == 0) {
    ::setpgid(0, 0);
    for (;;) ::pause();
  }
  ::setpgid(stranger, stranger);  // whoever of the two is first
  const AtEnd end{stranger};
  const auto own = tailOfThisProcess();
  const auto start = processState(stranger)->startTime;
  const auto takenWith = [&](const std::string& record) {
    writeRecord(place, record);
    const bool isTaken = place.take(50ms).lock.has_value();
    return isTaken && isAlive(stranger) && !processState(stranger)->isStoppedOrTraced();
  };
  REQUIRE(takenWith(std::to_string(stranger) + " " + std::to_string(start + 1) + " " + own));
  const std::string otherBoot = Uuid::makeV4().toString();
  REQUIRE(takenWith(std::to_string(stranger) + " " + std::to_string(start) + " 1 2 2 " + otherBoot));
  // Half a line, and lines that make no sense, name nobody.
  std::ofstream(place.file("job.lock")) << stranger << " " << start << " " << own;
  REQUIRE(place.take(50ms).lock.has_value());
  REQUIRE(takenWith(std::to_string(stranger) + " " + std::to_string(start)));
  REQUIRE(takenWith("-1 0 " + own));
  REQUIRE(takenWith("1 0 " + own));
  REQUIRE(takenWith("nonsense\n"));
  ::kill(stranger, SIGKILL);
  ::waitpid(stranger, nullptr, 0);
}

TEST_CASE("A group whose leader is gone is waited for and not signalled", "[jobs][lock]") {
  const Place place;
  const pid_t leader = callsheet::tests::leaderlessGroup();
  const AtEnd end{-leader};
  writeRecord(place, std::to_string(leader) + " 1 " + tailOfThisProcess());
  const auto answer = place.take(50ms);
  REQUIRE_FALSE(answer.lock.has_value());
  REQUIRE_THAT(answer.stillHeld, Contains("the process group " + std::to_string(leader)));
  REQUIRE(::kill(-leader, SIGKILL) == 0);
  REQUIRE(place.take().lock.has_value());
  ::waitpid(-leader, nullptr, 0);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_CASE("Never do two process trees of one job run at a time, however often directors are killed", "[jobs][lock]") {
  const Place place;
  // Each tree makes a directory while it works. A second tree at the same time would find it there.
  const std::string script = "trap '' TERM; mkdir " + place.file("busy") + " || { echo twice >> " + place.file("log") +
                             "; exit 1; }; echo $$ > " + place.file("leader") + "; (while :; do sleep 1; done) & wait";
  const auto start = std::random_device{}();
  CAPTURE(start);
  std::mt19937 random(start);
  int begun = 0;
  pid_t last = 0;
  for (int round = 0; round < 40; ++round) {
    std::filesystem::remove(place.file("leader"));
    OtherDirector director(place, "rmdir " + place.file("busy") + " 2>/dev/null; " + script);
    if (round % 2 == 0) {
      last = pidIn(place.file("leader"));
      ++begun;
    } else {
      // Killed at any moment, before or after its tree runs.
      const auto until = steady_clock::now() + std::chrono::microseconds(random() % 4000);
      while (steady_clock::now() < until) std::this_thread::yield();
    }
    director.kill();
    auto answer = place.take();
    INFO(answer.stillHeld);
    REQUIRE(answer.lock.has_value());
    REQUIRE_FALSE(isAlive(last));
    REQUIRE(contentOf(place.file("log")).empty());
  }
  REQUIRE(begun == 20);
}
