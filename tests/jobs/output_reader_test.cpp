#include "jobs/output_reader.h"

#include <poll.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>
#include <vector>

#include "shim/protocol.h"
#include "tests/jobs/task_stage.h"

using namespace callsheet;
using namespace callsheet::tests;
using Stream = OutputReader::Stream;

namespace {
std::string readAll(OutputReader& reader, std::size_t piece = 1000) {
  std::string all;
  for (std::string text = reader.read(piece); !text.empty(); text = reader.read(piece)) all += text;
  return all;
}
}  // namespace

TEST_CASE("Output is read from any place on, and from its last lines", "[jobs][output]") {
  TaskStage stage;
  const TaskOrder order = TaskStage::shell("seq 1 1000; printf end");
  static_cast<void>(stage.run(order));
  OutputReader reader(stage.store(), order.ref.job, Stream::output);
  const std::string all = readAll(reader, 7);
  CHECK(all.size() == 3896);
  CHECK(all.ends_with("999\n1000\nend"));
  CHECK(reader.offset() == 3896);
  CHECK(reader.size() == 3896);
  for (const std::uint64_t offset : {0u, 1u, 3000u, 3896u, 9999u}) {
    reader.seek(offset);
    CHECK(readAll(reader) == (offset < all.size() ? all.substr(offset) : ""));
  }
  for (const auto& [lines, text] : {std::pair{0u, ""}, std::pair{1u, "end"}, std::pair{2u, "1000\nend"}}) {
    reader.seekLines(lines);
    CHECK(readAll(reader) == text);
  }
  reader.seekLines(1001);
  CHECK(readAll(reader) == all);
  reader.seekLines(1'000'000);
  CHECK(readAll(reader) == all);
  reader.seekLines(900);
  CHECK(readAll(reader).starts_with("102\n"));
}

TEST_CASE("A task that printed nothing, and one that there is not, have no output", "[jobs][output]") {
  TaskStage stage;
  OutputReader none(stage.store(), makeJobID(), Stream::output);
  CHECK(none.read(100).empty());
  CHECK(none.size() == 0);
  const TaskOrder order = TaskStage::orderOf({"true"});
  static_cast<void>(stage.run(order));
  OutputReader silent(stage.store(), order.ref.job, Stream::output);
  silent.seekLines(3);
  CHECK(silent.read(100).empty());
}

TEST_CASE("Lines come to a reader while the command runs, and it is woken for them", "[jobs][output]") {
  TaskStage stage;
  std::filesystem::create_directory(stage.file("go"));
  const std::string go = stage.file("go");
  const TaskOrder order = TaskStage::shell("for i in 1 2 3; do echo line $i; until rmdir " + go +
                                           "/$i 2>/dev/null; do :; done; done; echo end");
  const RunningTask task = stage.start(order);
  OutputReader reader(stage.store(), order.ref.job, Stream::output);
  std::string all;
  for (const int i : {1, 2, 3}) {
    const std::string wanted = "line " + std::to_string(i) + "\n";
    REQUIRE(waitFor([&] {
      all += reader.read(100);
      return all.ends_with(wanted);
    }));
    std::filesystem::create_directory(go + "/" + std::to_string(i));
    pollfd watched{reader.descriptor(), POLLIN, 0};
    CHECK(::poll(&watched, 1, 10'000) == 1);
  }
  TaskStage::awaitEnd(task);
  all += readAll(reader);
  CHECK(all == "line 1\nline 2\nline 3\nend\n");
}

TEST_CASE("A reader that keeps up misses nothing of an output that is rotated again and again", "[jobs][output]") {
  TaskStage stage;
  const std::string go = stage.file("go");
  std::filesystem::create_directory(go);
  // A thousand lines at a time, a quarter of what one file holds at most.
  TaskOrder order = TaskStage::shell("for i in $(seq 1 20); do seq ${i}0000 ${i}0999; until rmdir " + go +
                                     "/$i 2>/dev/null; do :; done; done");
  order.command.outputMaxBytes = 50'000;
  const RunningTask task = stage.start(order);
  OutputReader reader(stage.store(), order.ref.job, Stream::output);
  std::string all;
  std::string expected;
  for (int i = 1; i <= 20; ++i) {
    for (int line = 0; line < 1'000; ++line) expected += std::to_string(i * 10'000 + line) + "\n";
    REQUIRE(waitFor([&] {
      all += readAll(reader);
      return all.size() >= expected.size();
    }));
    REQUIRE(all == expected);
    std::filesystem::create_directory(go + "/" + std::to_string(i));
  }
  TaskStage::awaitEnd(task);
  CHECK(reader.offset() == expected.size());
  // Whoever comes later has the end, at its own place.
  OutputReader late(stage.store(), order.ref.job, Stream::output);
  CHECK(late.offset() >= expected.size() - 50'000);
  const std::uint64_t from = late.offset();
  CHECK(readAll(late) == expected.substr(from));
  late.seek(0);
  CHECK(late.offset() == from);
}

TEST_CASE("A reader that is there before a shim's first word misses nothing of what is rotated", "[jobs][output]") {
  TaskStage stage;
  for (int round = 0; round < 100; ++round) {
    TaskOrder order = TaskStage::shell("seq 1000 3999; seq 4000 5999");
    order.command.outputMaxBytes = 40'000;
    std::atomic<bool> hasEnded = false;
    std::optional<OutputReader> reader;
    std::string all;
    std::thread follower([&] {
      do reader.emplace(stage.store(), order.ref.job, Stream::output);
      while (!hasEnded && reader->descriptor() < 0);
      while (!hasEnded) all += reader->read(100);
      all += readAll(*reader);
    });
    static_cast<void>(stage.run(order));
    hasEnded = true;
    follower.join();
    INFO("round " << round);
    REQUIRE(all.size() == 25'000);
  }
}

namespace {
/// Some of a task's files, out of the way for as long as this lives.
class Hidden {
 public:
  Hidden(const TaskStage& stage, JobID job, std::vector<std::string> names) {
    for (const std::string& name : names) paths_.push_back(stage.taskFile(job, name));
    for (const std::string& path : paths_) std::filesystem::rename(path, path + "-hidden");
  }
  ~Hidden() {
    for (const std::string& path : paths_) std::filesystem::rename(path + "-hidden", path);
  }
  Hidden(const Hidden&) = delete;
  Hidden& operator=(const Hidden&) = delete;

 private:
  std::vector<std::string> paths_;
};

std::string statusNameOf(JobID job) {
  return shortIDOf(job) + std::string(taskFile::statusEnding);
}
}  // namespace

TEST_CASE("A reader that was there before the status goes on though all was rotated twice meanwhile",
          "[jobs][output]") {
  TaskStage stage;
  // More than the shim reads at once, so that it rotates whatever it finds each time.
  TaskOrder order = TaskStage::shell("seq 100000 149999");
  order.command.outputMaxBytes = 25'000;
  const auto end = stage.run(order);
  std::string expected;
  for (int i = 100'000; i < 150'000; ++i) expected += std::to_string(i) + "\n";
  const std::string output = taskFile::output;
  const std::string old = output + std::string(taskFile::rotatedEnding);
  const std::uint64_t cut = end.status.outputStart - std::filesystem::file_size(stage.taskFile(order.ref.job, old));
  REQUIRE(cut > 0);
  std::optional<OutputReader> reader;
  std::string all;
  {
    const Hidden hidden(stage, order.ref.job, {output, old, statusNameOf(order.ref.job)});
    std::ofstream(stage.taskFile(order.ref.job, output)) << expected.substr(0, cut);
    reader.emplace(stage.store(), order.ref.job, Stream::output);
    all = readAll(*reader);
    CHECK(all.size() == cut);
  }
  all += readAll(*reader);
  CHECK(all == expected);
}

TEST_CASE("A reader that was there before the status does not go on with another attempt's output", "[jobs][output]") {
  TaskStage stage;
  const TaskOrder order = TaskStage::shell("echo first");
  static_cast<void>(stage.run(order));
  std::optional<OutputReader> reader;
  {
    const Hidden hidden(stage, order.ref.job, {statusNameOf(order.ref.job)});
    reader.emplace(stage.store(), order.ref.job, Stream::output);
    CHECK(readAll(*reader) == "first\n");
  }
  static_cast<void>(stage.run(TaskStage::shell("echo of the second", order.ref.job, 2)));
  CHECK(readAll(*reader).empty());
}

TEST_CASE("Errors are read by themselves where they are kept apart", "[jobs][output]") {
  TaskStage stage;
  TaskOrder order = TaskStage::shell("echo out; echo err >&2");
  order.command.separateStderr = true;
  static_cast<void>(stage.run(order));
  OutputReader output(stage.store(), order.ref.job, Stream::output);
  OutputReader errors(stage.store(), order.ref.job, Stream::errors);
  CHECK(readAll(output) == "out\n");
  CHECK(readAll(errors) == "err\n");
}
