#include <signal.h>

#include <catch2/catch.hpp>

#include "ipc/presence_lock.h"
#include "ipc/process_state.h"
#include "principal/stopped_readers.h"
#include "tests/process/director_process.h"
#include "tests/support/stopped.h"
#include "tests/support/verbs.h"
#include "tests/support/wait_for.h"

// Processes that are stopped with a snapshot in their hands.
namespace callsheet::tests {

namespace {

/// Checks the store; CALLSHEET_STOP_AT stops it in the snapshot that it checks.
int playChecker(RoleChannel& channel) {
  const auto access = StoreAccess::open(channel.argument("location"), channel.argument("id"), {});
  channel.say(access->store().check().isClean() ? "clean" : "damaged");
  return 0;
}
const RoleRegistration checkerRole("checker", playChecker);

/// An attempt of the test's own, on which it can write as often as it likes without adding anything.
class Scribe {
 public:
  explicit Scribe(Stage& stage)
      : stage_(stage),
        self_(makeIncarnationID()),
        directory_(StoreDirectory::open(stage.location(), stage.id(), {})),
        presence_(PresenceLock::acquire(directory_, self_, PresenceInfo::ofThisProcess("scribe", "assistant"))) {
    REQUIRE(isAccepted(
        stage.store().apply(RegisterIncarnation{self_, "scribe", Role::assistant, {}, {"scribble"}}).verdict));
    REQUIRE(isAccepted(stage.store().apply(submitOf({newJob("scribble")}, self_)).verdict));
    const auto claimed = stage.store().apply(claimOf(self_, 1, {"scribble"}));
    REQUIRE(claimed.jobs.size() == 1);
    attempt_ = attemptOf(claimed.jobs.front().row);
  }
  void write(int times) {
    for (int i = 0; i < times; ++i)
      REQUIRE(isAccepted(stage_.store().apply(Notify{attempt_, 0.5F, std::to_string(i), false}).verdict));
  }
  void end() {
    REQUIRE(isAccepted(stage_.store().apply(Cancel{attempt_.job, "the test is over"}).verdict));
    REQUIRE(isAccepted(stage_.store().apply(CloseIncarnation{self_, Closing::stopped, self_}).verdict));
  }
  [[nodiscard]] std::uint64_t bytes() const { return stage_.store().info().bytesUsed; }

 private:
  Stage& stage_;
  IncarnationID self_;
  StoreDirectory directory_;
  PresenceLock presence_;  // without one it would be taken for dead
  AttemptRef attempt_;
};

}  // namespace

TEST_CASE("a process stopped in a snapshot is killed after the limit and the file stops growing") {
  Stage stage;
  DirectorProcess::Options options;
  options.writerLimit = std::chrono::milliseconds{1500};
  DirectorProcess principal(stage, options);
  REQUIRE(principal.awaitStart());
  Scribe scribe(stage);
  scribe.write(100);
  RoleProcess reader("checker", {"location=" + stage.location(), "id=" + stage.id()},
                     {{"CALLSHEET_STOP_AT", "snapshot.taken"}});
  REQUIRE(waitUntilStopped(reader.pid()));
  const std::uint64_t before = scribe.bytes();
  scribe.write(200);
  CHECK(scribe.bytes() > before + 200 * 4096);  // nothing that was freed is used again
  CHECK(reader.endedBySignal(SIGKILL));
  REQUIRE(waitFor([&] { return stage.store().readers().empty(); }));
  scribe.write(100);
  const std::uint64_t after = scribe.bytes();
  scribe.write(3000);
  CHECK(scribe.bytes() <= after + 16 * 4096);
  CHECK(stage.log().find("was stopped while it read") != std::string::npos);
  scribe.end();
  principal.quit();
}

TEST_CASE("who stands in an old snapshot is found after the limit of awake time") {
  using namespace std::chrono_literals;
  StoppedReaders rule(10s, 1s);
  std::int64_t now = 100'000'000'000;
  std::uint64_t lastCommit = 8;
  ProcessState state{'T', 70};
  SnapshotReader reader{5, 7};
  const auto looksUntilFound = [&](std::int64_t gap = 1'000'000'000) {
    for (int looks = 0; looks < 100; ++looks) {
      now += gap;
      const SnapshotReader readers[] = {reader};
      const auto found = rule.look(now, lastCommit, readers, [&](pid_t) { return state; });
      if (found.empty()) continue;
      CHECK(found == std::vector<StoppedReaders::Found>{{5, 70, 'T'}});
      return looks;
    }
    return 100;
  };
  SECTION("one that is stopped") {
    CHECK(looksUntilFound() == 10);
    CHECK(looksUntilFound() == 0);  // until it is gone
  }
  SECTION("a gap of the looker's own counts for two periods") {
    CHECK(looksUntilFound(3600'000'000'000) == 5);
  }
  SECTION("not one that runs") {
    state.letter = 'S';
    CHECK(looksUntilFound() == 100);
  }
  SECTION("not one whose snapshot is the latest, which pins nothing") {
    lastCommit = 7;
    CHECK(looksUntilFound() == 100);
  }
  SECTION("not before another snapshot or process has stood as long") {
    CHECK(looksUntilFound() == 10);
    if (GENERATE(true, false))
      reader.snapshot = 6;
    else
      ++state.startTime;
    if (state.startTime == 70) CHECK(looksUntilFound() == 10);
  }
}

}  // namespace callsheet::tests
