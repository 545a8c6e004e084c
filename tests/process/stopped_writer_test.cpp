#include <lmdb.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <stdexcept>

#include "ipc/board.h"
#include "ipc/presence_lock.h"
#include "ipc/process_state.h"
#include "tests/process/director_process.h"
#include "tests/support/stopped.h"
#include "tests/support/verbs.h"
#include "tests/support/wait_for.h"

// Processes that are stopped while they hold something of the store: its write lock, or a snapshot.
namespace callsheet::tests {

namespace {

/// Stops this process as soon as it holds the write lock and the board says so.
class StoppingWitness final : public WriterWitness {
 public:
  StoppingWitness(const StoreDirectory& directory, bool mayBeKilled)
      : board_(Board::open(directory)),
        self_(makeIncarnationID()),
        presence_(PresenceLock::acquire(directory, self_, PresenceInfo::ofThisProcess({}, "writer"))),
        slot_(board_.takeSlot(self_, ::getpid(), mayBeKilled)) {}
  void wants() override { slot_.writerWants(); }
  void began() override {
    slot_.writerBegan();
    if (isArmed) ::raise(SIGSTOP);  // at this thread, so that it does not get a step further
  }
  void cleared() override { slot_.writerCleared(); }

  std::atomic<bool> isArmed{false};

 private:
  Board board_;
  IncarnationID self_;
  PresenceLock presence_;
  BoardSlot slot_;
};

int playStoppingWriter(RoleChannel& channel) {
  const StoreDirectory directory = StoreDirectory::open(channel.argument("location"), channel.argument("id"));
  const auto witness = std::make_shared<StoppingWitness>(directory, channel.argument("mayBeKilled") != "no");
  LmdbStoreOptions options;
  options.makeWitness = [&] { return witness; };
  const auto store = LmdbJobStore::open(directory.dataPath(), options);
  witness->isArmed = true;
  const auto answer = store->apply(submitOf({newJob("count")}));
  channel.say(std::string(toString(answer.verdict)));
  while (channel.readLine()) {
  }
  return 0;
}
const RoleRegistration writerRole("stopping writer", playStoppingWriter);

struct Environment {
  explicit Environment(const std::string& path) {
    if (mdb_env_create(&handle) != 0 || mdb_env_set_mapsize(handle, std::size_t{16} << 30) != 0 ||
        mdb_env_open(handle, path.c_str(), MDB_RDONLY, 0600) != 0)
      throw std::runtime_error("the reader cannot open " + path);
  }
  ~Environment() { mdb_env_close(handle); }
  MDB_env* handle = nullptr;
};

/// Takes a snapshot and is stopped with it.
int playStoppedReader(RoleChannel& channel) {
  const Environment environment(channel.argument("path"));
  MDB_txn* txn = nullptr;
  if (mdb_txn_begin(environment.handle, nullptr, MDB_RDONLY, &txn) != 0) return 1;
  ::raise(SIGSTOP);
  while (channel.readLine()) {
  }
  return 0;
}
const RoleRegistration readerRole("stopped reader", playStoppedReader);

/// Tells who holds snapshots, as LMDB's own table has it.
int playReaderList(RoleChannel& channel) {
  const Environment environment(channel.argument("path"));
  while (channel.readLine()) {
    std::string list;
    mdb_reader_list(
        environment.handle,
        [](const char* line, void* out) {
          *static_cast<std::string*>(out) += std::string(line, std::string_view(line).find('\n')) + " ";
          return 0;
        },
        &list);
    channel.say(list);
  }
  return 0;
}
const RoleRegistration listRole("reader list", playReaderList);

DirectorProcess directorWithWriterLimit(const Stage& stage, const std::string& name) {
  DirectorProcess::Options options;
  options.name = name;
  options.writerLimit = std::chrono::milliseconds{1500};
  DirectorProcess director(stage, options);
  REQUIRE(director.awaitStart());
  return director;
}

}  // namespace

TEST_CASE("a process stopped inside a write is killed after the limit and the others go on") {
  Stage stage;
  const bool withPrincipal = GENERATE(true, false);
  INFO("with a principal: " << withPrincipal);
  DirectorProcess first = directorWithWriterLimit(stage, withPrincipal ? "" : "first");
  DirectorProcess second = directorWithWriterLimit(stage, "second");
  RoleProcess writer("stopping writer", {"location=" + stage.location(), "id=" + stage.id()});
  REQUIRE(waitUntilStopped(writer.pid()));
  // Both wait for the write lock until it is freed; neither call returns before.
  first.process().send("submit " + makeJobID().toString() + " count {}");
  second.process().send("submit " + makeJobID().toString() + " count {}");
  CHECK(first.process().readLine() == "accepted");
  CHECK(second.process().readLine() == "accepted");
  CHECK(writer.endedBySignal(SIGKILL));
  CHECK(stage.log().find("was stopped inside a write") != std::string::npos);
  REQUIRE(stage.waitForAllDone());
  CHECK(stage.store().totals().submitted == 2);  // the stopped one had not committed
  std::optional<DirectorProcess> principal;
  if (!withPrincipal) principal = DirectorProcess::principal(stage);
  stage.expectNothingLeft();
}

TEST_CASE("a process stopped inside a write keeps no director from starting or stopping") {
  Stage stage;
  const std::string name = GENERATE("", "one");
  INFO("director: " << name);
  REQUIRE(stage.store().totals().submitted == 0);  // the store is there now
  const std::vector<std::string> arguments{"location=" + stage.location(), "id=" + stage.id()};
  RoleProcess before("stopping writer", arguments);
  REQUIRE(waitUntilStopped(before.pid()));
  DirectorProcess director = directorWithWriterLimit(stage, name);
  CHECK(before.endedBySignal(SIGKILL));
  RoleProcess after("stopping writer", arguments);
  REQUIRE(waitUntilStopped(after.pid()));
  director.quit();
  CHECK(after.endedBySignal(SIGKILL));
  const DirectorProcess principal = DirectorProcess::principal(stage);
  stage.expectNothingLeft();
}

namespace {
/// Submits one job as the command does, without a director; says the verdict and what it was told meanwhile.
int playCommand(RoleChannel& channel) {
  std::string told;
  StoreAccess::Options options;
  options.writerLimit = std::chrono::milliseconds(std::stoll(channel.argument("writerLimit", "3600000")));
  options.lookForStoppedWriters = [&](LogLevel, std::string_view sentence) { told += sentence; };
  auto access = StoreAccess::open(channel.argument("location"), channel.argument("id"), options);
  channel.say("open");
  if (!channel.readLine()) return 0;
  const auto answer = access->store().apply(submitOf({newJob("count")}));
  access.reset();  // ends the thread that tells
  channel.say(std::string(toString(answer.verdict)) + " " + told);
  return 0;
}
const RoleRegistration commandRole("command", playCommand);

std::vector<std::string> commandArguments(const Stage& stage) {
  return {"location=" + stage.location(), "id=" + stage.id(), "writerLimit=1500"};
}
}  // namespace

TEST_CASE("a command that waits for its commit ends a stopped writer when there is no daemon") {
  // In the middle, and between getting the lock and showing that on the board.
  const std::string point = GENERATE("commit.applied", "commit.locked");
  INFO("stopped at " << point);
  Stage stage;
  RoleProcess stopped("command", commandArguments(stage), {{"CALLSHEET_STOP_AT", point}});
  REQUIRE(stopped.ask("") == "open");
  REQUIRE(waitUntilStopped(stopped.pid()));
  RoleProcess waiting("command", commandArguments(stage));
  REQUIRE(waiting.ask("") == "open");
  const std::string answer = waiting.readLine().value();
  CHECK(answer.starts_with("ok process " + std::to_string(stopped.pid()) + " (state T) was stopped inside a write"));
  CHECK(stopped.endedBySignal(SIGKILL));
  CHECK(stage.store().totals().submitted == 1);
}

TEST_CASE("a process stopped while it opens the store does not keep others out") {
  Stage stage;
  // The store is new, or is there.
  const std::string point = GENERATE("env.opened", "store.made", "board.slot-cleared");
  INFO("stopped at " << point);
  RoleProcess stopped("command", commandArguments(stage), {{"CALLSHEET_STOP_AT", point}});
  stopped.send("");
  REQUIRE(waitUntilStopped(stopped.pid()));
  RoleProcess waiting("command", commandArguments(stage));
  REQUIRE(waiting.ask("") == "open");
  CHECK(waiting.readLine().value().starts_with("ok"));
  CHECK(stopped.endedBySignal(SIGKILL));
  CHECK(stage.store().totals().submitted == 1);
}

TEST_CASE("a process that may not be killed as a writer is only reported") {
  Stage stage;
  DirectorProcess principal = directorWithWriterLimit(stage, "");
  RoleProcess writer("stopping writer", {"location=" + stage.location(), "id=" + stage.id(), "mayBeKilled=no"});
  REQUIRE(waitUntilStopped(writer.pid()));
  principal.process().send("submit " + makeJobID().toString() + " count {}");
  REQUIRE(waitFor([&] { return stage.log().find("it is not killed") != std::string::npos; }, std::chrono::seconds{60}));
  writer.signal(SIGCONT);
  CHECK(writer.readLine() == "ok");
  CHECK(principal.process().readLine() == "accepted");
  REQUIRE(stage.waitForAllDone());
  CHECK(stage.store().totals().submitted == 2);
}

TEST_CASE("an assistant that is started again while the principal takes over from its former self is not refused") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  DirectorProcess former = DirectorProcess::assistant(stage, "one");
  const StoreDirectory& directory = stage.access().directory();
  // The principal gets as far as holding the dead one's presence, and waits for the write lock to close it.
  RoleProcess writer("stopping writer", {"location=" + stage.location(), "id=" + stage.id()});
  REQUIRE(waitUntilStopped(writer.pid()));
  former.kill();
  REQUIRE(waitFor([&] { return presenceStateOf(directory, former.incarnation()) == PresenceState::held; }));
  DirectorProcess::Options options;
  options.name = "one";
  DirectorProcess next(stage, options);
  REQUIRE(waitFor([&] {
    const auto presences = listPresences(directory);
    return std::any_of(presences.begin(), presences.end(),
                       [&](const Presence& one) { return one.info.name == "one" && one.info.pid == next.pid(); });
  }));
  writer.signal(SIGCONT);
  const bool started = next.awaitStart();
  INFO(next.whyNot());
  CHECK(started);
  CHECK(writer.readLine() == "ok");
  stage.expectNothingLeft();
}

TEST_CASE("a stopped reader that dies pins nothing any longer") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  const std::string path = "path=" + stage.access().directory().dataPath();
  RoleProcess reader("stopped reader", {path});
  REQUIRE(waitUntilStopped(reader.pid()));
  RoleProcess list("reader list", {path});
  const auto isListed = [&] {
    return list.ask("list").value().find(" " + std::to_string(reader.pid()) + " ") != std::string::npos;
  };
  CHECK(isListed());
  // It holds up nobody.
  CHECK(principal.awaitDone(principal.submit("count").value()));
  reader.kill();
  REQUIRE(waitFor([&] { return !isListed(); }, std::chrono::seconds{60}));
}

}  // namespace callsheet::tests
