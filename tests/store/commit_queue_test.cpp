#include "store/commit_queue.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <memory>

#include "callsheet/limits.h"
#include "tests/support/store_fixture.h"
#include "tests/support/verbs.h"
#include "tests/support/wait_for.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {
/// A queue whose commits wait for the test. Answers count the groups that were committed.
struct SlowQueue {
  std::shared_ptr<std::atomic<bool>> mayCommit = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<std::atomic<unsigned>> underWay = std::make_shared<std::atomic<unsigned>>(0);
  // Not destroyed by a test that fails: its destructor would wait for what hangs.
  CommitQueue* queue = new CommitQueue([go = mayCommit, count = underWay](std::vector<CommitQueue::Group>& groups) {
    ++*count;
    (void)waitFor([&] { return go->load(); }, std::chrono::minutes{1});
    for (auto& group : groups)
      for (std::size_t i = 0; i < group.verbs.size(); ++i)
        group.answers[i] = answerWith(group.verbs[i], Verdict::ok, {});
  });
  void finish() const {
    *mayCommit = true;
    delete queue;
  }
};

std::vector<Verb> groupOf(std::size_t verbs, std::size_t bytesEach) {
  std::vector<Verb> group;
  for (std::size_t i = 0; i < verbs; ++i)
    group.emplace_back(Succeed{{makeJobID(), {}, {}}, std::string(bytesEach, 'r'), {}});
  return group;
}

constexpr std::chrono::seconds patience{30};
}  // namespace

TEST_CASE("Who is told that too much waits for a commit may post again from the answer") {
  const SlowQueue slow;
  const auto ignore = [](const std::vector<AnyAnswer>&) {};
  slow.queue->post(groupOf(1, 1), patience, ignore);
  REQUIRE(waitFor([&] { return *slow.underWay == 1; }));
  slow.queue->post(groupOf(63, limits::payloadBytesMax), patience, ignore);
  auto first = std::make_shared<std::promise<Verdict>>();
  auto second = std::make_shared<std::promise<Verdict>>();
  auto verdict = first->get_future();
  auto again = second->get_future();
  std::thread([queue = slow.queue, first, second] {
    queue->post(groupOf(2, limits::payloadBytesMax), patience, [=](const std::vector<AnyAnswer>& answers) {
      queue->post(groupOf(1, 1), patience,
                  [second](const std::vector<AnyAnswer>& others) { second->set_value(baseOf(others[0]).verdict); });
      first->set_value(baseOf(answers[0]).verdict);
    });
  }).detach();
  REQUIRE(verdict.wait_for(std::chrono::seconds{10}) == std::future_status::ready);
  CHECK(verdict.get() == Verdict::notDone);
  *slow.mayCommit = true;
  REQUIRE(again.wait_for(std::chrono::seconds{10}) == std::future_status::ready);
  CHECK(again.get() == Verdict::ok);
  slow.finish();
}

TEST_CASE("A group that is larger than the whole queue may be is committed when nothing else waits") {
  const SlowQueue slow;
  *slow.mayCommit = true;
  std::promise<Verdict> verdict;
  slow.queue->post(groupOf(66, limits::payloadBytesMax), patience,
                   [&](const std::vector<AnyAnswer>& answers) { verdict.set_value(baseOf(answers[65]).verdict); });
  CHECK(verdict.get_future().get() == Verdict::ok);
  slow.finish();
}

TEST_CASE("A listener of commits that throws keeps no answer back and no other listener from hearing") {
  StoreFixture fixture(0, StoreFixture::Place::memory);
  unsigned heard = 0;
  const auto failing = fixture->subscribe([](const Effects&) { throw Error(ErrorKind::io, "on purpose"); });
  const auto counting = fixture->subscribe([&](const Effects&) { ++heard; });
  CHECK(fixture->apply(submitOf({newJob()})).verdict == Verdict::ok);
  CHECK(heard == 1);
}
