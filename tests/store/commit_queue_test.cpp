#include "store/commit_queue.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <memory>
#include <thread>

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
  CommitQueue* queue = new CommitQueue([go = mayCommit, count = underWay](auto& groups, bool) {
    ++*count;
    (void)waitFor([&] { return go->load(); }, std::chrono::minutes{1});
    for (auto& group : groups)
      for (std::size_t i = 0; i < group.verbs.size(); ++i)
        group.answers[i] = answerWith(group.verbs[i], Verdict::ok, {});
    return CommitQueue::Outcome::done;
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

namespace {
/// Waits for the answers if they do not come at once; what applyAll does.
std::vector<AnyAnswer> applyNow(CommitQueue& queue, std::vector<Verb> verbs, bool& wasAtOnce) {
  const auto promise = std::make_shared<std::promise<std::vector<AnyAnswer>>>();
  auto posted = promise->get_future();
  auto answers = queue.applyOrPost(std::move(verbs), patience,
                                   [promise](std::vector<AnyAnswer> later) { promise->set_value(std::move(later)); });
  wasAtOnce = answers.has_value();
  return answers ? std::move(*answers) : posted.get();
}

void answerOk(std::vector<CommitQueue::Group>& groups) {
  for (auto& group : groups)
    for (std::size_t i = 0; i < group.verbs.size(); ++i) group.answers[i] = answerWith(group.verbs[i], Verdict::ok, {});
}
}  // namespace

TEST_CASE("Who waits commits on his own thread when nothing is queued, and posts when it may not be done there") {
  std::atomic<bool> isFree = true;
  std::thread::id committedOn;
  CommitQueue queue([&](std::vector<CommitQueue::Group>& groups, bool mayWait) {
    if (!mayWait && !isFree) return CommitQueue::Outcome::untouched;
    committedOn = std::this_thread::get_id();
    answerOk(groups);
    return CommitQueue::Outcome::done;
  });
  bool wasAtOnce = false;
  CHECK(baseOf(applyNow(queue, groupOf(2, 1), wasAtOnce).at(1)).verdict == Verdict::ok);
  CHECK(wasAtOnce);
  CHECK(committedOn == std::this_thread::get_id());
  isFree = false;
  CHECK(baseOf(applyNow(queue, groupOf(2, 1), wasAtOnce).at(1)).verdict == Verdict::ok);
  CHECK_FALSE(wasAtOnce);
  CHECK(committedOn != std::this_thread::get_id());
}

TEST_CASE("What a caller began and might not wait for is finished next, by itself and however late") {
  std::atomic<unsigned> begun = 0;
  std::atomic<bool> mayGoOn = false;
  std::vector<std::size_t> sizes;  // of what the queue's thread commits: groups
  auto* queue = new CommitQueue([&](std::vector<CommitQueue::Group>& groups, bool mayWait) {
    if (!mayWait) {
      ++begun;
      (void)waitFor([&] { return mayGoOn.load(); });
      return CommitQueue::Outcome::underWay;
    }
    sizes.push_back(groups.size());
    answerOk(groups);
    return CommitQueue::Outcome::done;
  });
  std::promise<Verdict> verdict;
  std::thread caller([&] {
    const auto answers = queue->applyOrPost(groupOf(1, 1), std::chrono::milliseconds{0},
                                            [&](const auto& later) { verdict.set_value(baseOf(later[0]).verdict); });
    if (answers) verdict.set_value(Verdict::illegal);
  });
  REQUIRE(waitFor([&] { return begun == 1; }));
  std::promise<void> others;
  queue->post(groupOf(1, 1), patience, [](const auto&) {});
  queue->post(groupOf(1, 1), patience, [&](const auto&) { others.set_value(); });
  mayGoOn = true;
  caller.join();
  // Perhaps it was applied, so it is not "not done" though its time is over.
  CHECK(verdict.get_future().get() == Verdict::ok);
  others.get_future().get();
  delete queue;
  CHECK(sizes == std::vector<std::size_t>{1, 2});
}

TEST_CASE("However many threads apply and post, one commit is under way at a time") {
  std::atomic<int> underWay = 0;
  std::atomic<bool> wasTwice = false;
  std::atomic<unsigned> turn = 0;
  std::atomic<unsigned> committed = 0;
  auto* queue = new CommitQueue([&](std::vector<CommitQueue::Group>& groups, bool mayWait) {
    if (++underWay != 1) wasTwice = true;
    auto outcome = CommitQueue::Outcome::done;
    const unsigned kind = turn++ % 3;
    if (!mayWait && kind == 1) outcome = CommitQueue::Outcome::untouched;
    if (!mayWait && kind == 2) outcome = CommitQueue::Outcome::underWay;
    if (outcome == CommitQueue::Outcome::done) {
      answerOk(groups);
      committed += static_cast<unsigned>(groups.size());
    }
    --underWay;
    return outcome;
  });
  constexpr unsigned threads = 4;
  constexpr unsigned rounds = 500;
  std::atomic<unsigned> answered = 0;
  std::vector<std::thread> all;
  for (unsigned i = 0; i < threads; ++i)
    all.emplace_back([&, i] {
      for (unsigned round = 0; round < rounds; ++round) {
        bool wasAtOnce = false;
        if (i % 2 == 0)
          answered += static_cast<unsigned>(applyNow(*queue, groupOf(1, 1), wasAtOnce).size());
        else
          queue->post(groupOf(1, 1), patience, [&](const auto& answers) { answered += answers.size() == 1 ? 1 : 0; });
      }
    });
  for (auto& thread : all) thread.join();
  delete queue;  // commits the rest
  CHECK_FALSE(wasTwice);
  CHECK(committed == threads * rounds);
  CHECK(answered == threads * rounds);
}

TEST_CASE("A listener of commits that throws keeps no answer back and no other listener from hearing") {
  StoreFixture fixture(0, StoreFixture::Place::memory);
  unsigned heard = 0;
  const auto failing = fixture->subscribe([](const Effects&) { throw Error(ErrorKind::io, "on purpose"); });
  const auto counting = fixture->subscribe([&](const Effects&) { ++heard; });
  CHECK(fixture->apply(submitOf({newJob()})).verdict == Verdict::ok);
  CHECK(heard == 1);
}
