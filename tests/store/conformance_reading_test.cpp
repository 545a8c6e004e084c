// What every job store must do when it is read: find, list, resolve, totals, counts, log.
#include <algorithm>
#include <catch2/catch.hpp>

#include "callsheet/errors.h"
#include "tests/support/store_fixture.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {
std::vector<JobID> listAll(StoreUnderTest& store, const JobFilter& filter, std::size_t pageSize) {
  std::vector<JobID> ids;
  std::string token;
  do {
    const JobPage page = store->list(filter, token, pageSize);
    CHECK(page.jobs.size() <= pageSize);
    CHECK(page.unreadable.empty());
    for (const auto& view : page.jobs) ids.push_back(view.row.id);
    token = page.next;
  } while (!token.empty());
  return ids;
}
JobID idWith(const std::string& head, const std::string& tail) {
  return *JobID::parse(head + std::string(32 - head.size() - tail.size(), '5') + tail);
}
JobID addWithID(StoreUnderTest& store, JobID id) {
  NewJob job = newJob();
  job.id = id;
  return store.add(job);
}
void finishJob(StoreUnderTest& store, JobID id) {
  REQUIRE(store.apply(Cancel{id, {}}).state == JobState::done);
}
}  // namespace

TEST_CASE("A listing shows every job once, in the order of creation, whatever the page size") {
  ON_EVERY_STORE(store);
  std::vector<JobID> ids;
  for (int i = 0; i < 25; ++i) ids.push_back(store.add());
  for (const std::size_t size : {1u, 3u, 25u, 1000u}) CHECK(listAll(store, {}, size) == ids);
  JobFilter filter;
  filter.newestFirst = true;
  std::reverse(ids.begin(), ids.end());
  for (const std::size_t size : {1u, 3u, 25u, 1000u}) CHECK(listAll(store, filter, size) == ids);
}

TEST_CASE("A page token stays good while jobs come and go") {
  ON_EVERY_STORE(store);
  std::vector<JobID> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(store.add());
  const JobPage first = store->list({}, {}, 3);
  REQUIRE(first.jobs.size() == 3);
  REQUIRE_FALSE(first.next.empty());
  finishJob(store, ids[2]);
  finishJob(store, ids[3]);
  store.clock().advanceMicros(2 * hour);
  Prune prune;
  prune.maxAgeMicros = second;
  store.apply(prune);
  const JobID late = store.add();
  const JobPage rest = store->list({}, first.next, 10);
  REQUIRE(rest.jobs.size() == 3);
  CHECK(rest.jobs[0].row.id == ids[4]);
  CHECK(rest.jobs[2].row.id == late);
}

TEST_CASE("A page token that no store made is refused") {
  ON_EVERY_STORE(store);
  store.add();
  for (const std::string token : {"x", "p1-", "p1-0000", "p2-00000000-0000-0000-0000-000000000000"}) {
    try {
      (void)store->list({}, token, 10);
      FAIL("accepted " << token);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::invalid);
    }
  }
}

TEST_CASE("Filters choose by state, owner, kind, queue, label, reason and outcome") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  NewJob labelled = newJob("a");
  labelled.body.labels = {{"tenant", "north"}, {"run", "7"}};
  labelled.queue = "q2";
  store.add(labelled);
  NewJob later = newJob("b");
  later.delayMicros = hour;
  store.add(later);
  const JobRow running = store.addRunning(left);
  const JobID canceled = store.add();
  finishJob(store, canceled);
  const auto only = [&](auto set) {
    JobFilter filter;
    set(filter);
    return listAll(store, filter, 2);
  };
  CHECK(only([](JobFilter& f) { f.states = {JobState::waiting}; }) == std::vector{later.id});
  CHECK(only([](JobFilter& f) {
          f.states = {JobState::inProgress, JobState::ready};
        }) == std::vector{labelled.id, running.id});
  CHECK(only([&](JobFilter& f) { f.owner = left; }) == std::vector{running.id});
  CHECK(only([](JobFilter& f) { f.owner = principalOwner; }).size() == 3);
  CHECK(only([](JobFilter& f) { f.kind = "a"; }) == std::vector{labelled.id});
  CHECK(only([](JobFilter& f) { f.queue = "q2"; }) == std::vector{labelled.id});
  CHECK(only([](JobFilter& f) { f.labelName = "tenant"; }) == std::vector{labelled.id});
  CHECK(only([](JobFilter& f) { f.labelName = "tenant", f.labelValue = "south"; }).empty());
  CHECK(only([](JobFilter& f) { f.labelName = "run", f.labelValue = "7"; }) == std::vector{labelled.id});
  CHECK(only([](JobFilter& f) { f.waitingFor = WaitReason::due; }) == std::vector{later.id});
  CHECK(only([](JobFilter& f) { f.outcome = JobOutcome::canceled; }) == std::vector{canceled});
  CHECK(only([](JobFilter& f) { f.states = {JobState::done}, f.kind = "a"; }).empty());
}

TEST_CASE("A ready job whose kind nobody alive knows is unclaimable") {
  ON_EVERY_STORE(store);
  const auto principal = store.open(Role::principal, {}, {"known"});
  const auto left = store.open(Role::assistant, "left", {"lefts"});
  const JobID known = store.add(newJob("known"));
  const JobID unknown = store.add(newJob("unknown"));
  const JobID lefts = store.add(newJob("lefts"), left);
  const JobID elsewhere = store.add(newJob("lefts"));  // in the principal's queue, where nobody knows it
  NewJob later = newJob("unknown");
  later.delayMicros = hour;
  store.add(later);
  JobFilter filter;
  filter.unclaimable = true;
  CHECK(listAll(store, filter, 1) == std::vector{unknown, elsewhere});
  store.open(Role::executor, "e", {"unknown", "lefts"});
  CHECK(listAll(store, filter, 1).empty());
  store.close(left, Closing::died, principal);
  CHECK(listAll(store, filter, 1) == std::vector{lefts});
  CHECK(store.row(known).state == JobState::ready);
}

TEST_CASE("A ready job of a version that nobody alive knows is unclaimable") {
  ON_EVERY_STORE(store);
  store.open(Role::principal, {}, {"k@2"});
  std::vector<JobID> jobs;
  for (const std::uint32_t version : {1, 2, 3}) {
    NewJob job = newJob();
    job.body.kindVersion = version;
    jobs.push_back(store.add(job));
  }
  JobFilter filter;
  filter.unclaimable = true;
  CHECK(listAll(store, filter, 1) == std::vector{jobs[2]});
  store.open(Role::executor, "e", {"k@3"});
  CHECK(listAll(store, filter, 1).empty());
}

TEST_CASE("People's words for a job are resolved: full, short, the beginning of either") {
  ON_EVERY_STORE(store);
  const JobID a = addWithID(store, idWith("0190aa", "cafe0001"));
  const JobID b = addWithID(store, idWith("0190ab", "cafe0002"));
  const JobID c = addWithID(store, idWith("0191", "0190aa77"));
  const auto resolve = [&](const std::string& text, std::size_t limit = 10) { return store->resolve(text, limit); };
  CHECK(resolve(a.toString()) == std::vector{a});
  CHECK(resolve("cafe0001") == std::vector{a});
  CHECK(resolve("CAFE0002") == std::vector{b});
  CHECK(resolve("cafe") == std::vector{a, b});
  CHECK(resolve("0190ab") == std::vector{b});
  CHECK(resolve("0190aa") == std::vector{a, c});  // one by its beginning, one by its short id
  CHECK(resolve("0190") == std::vector{a, b, c});
  CHECK(resolve("0190", 2) == std::vector{a, b});
  CHECK(resolve(a.toString().substr(0, 20)) == std::vector{a});
  CHECK(resolve("019", 0).empty());
  CHECK(resolve("beef").empty());
  CHECK(resolve("c").empty());  // too short to mean anything
  CHECK(resolve("").empty());
  CHECK(resolve("not hex").empty());
  CHECK(resolve(a.toString() + "0").empty());
}

TEST_CASE("A short id finds the jobs of that microsecond of each 71.6 minutes, and its beginning those near it") {
  ON_EVERY_STORE(store);
  constexpr std::uint64_t period = std::uint64_t{1} << 32;
  constexpr std::uint64_t start = 407'000 * period;
  std::vector<std::uint64_t> times;
  // Around the turn of the period, within one millisecond and over several; and in many periods.
  for (const std::uint64_t at : {0, 1, 350, 704, 705, 2000, 100'000})
    for (const std::uint64_t turn : {std::uint64_t{0}, period, 5 * period}) {
      times.push_back(start + turn + at);
      times.push_back(start + turn - 1 - at);
    }
  std::vector<JobID> all;
  for (std::size_t i = 0; i < times.size(); ++i)
    all.push_back(addWithID(store, detail::jobIDAt(times[i], static_cast<std::uint32_t>(i) << 30 | 5)));
  all.push_back(addWithID(store, idWith("ffff", "00000001")));  // made by somebody else, in a far future
  all.push_back(addWithID(store, idWith("0000", "00000001")));
  std::sort(all.begin(), all.end());
  for (const std::string text : {"00000001", "00000000", "0000015e", "ffffffff", "fffffffe", "00", "ff", "0000",
                                 "000007d0", "fffff", "00000002", "8000"}) {
    std::vector<JobID> expected;
    for (const JobID id : all)
      if (shortIDOf(id).starts_with(text) || id.toString().starts_with(text)) expected.push_back(id);
    CAPTURE(text);
    CHECK(store->resolve(text, 1000) == expected);
  }
}

TEST_CASE("The totals are the numbers of jobs by state") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  store.addRunning(left);
  const JobRow done = store.addRunning(left);
  store.verdictOfSucceed(done);
  store.addRequested(left);
  finishJob(store, store.add());
  store.add();
  NewJob later = newJob();
  later.delayMicros = hour;
  store.add(later);
  const Totals totals = store->totals();
  CHECK(totals.submitted == 6);
  CHECK(totals.jobs() == 6);
  CHECK(totals.inProgress == 1);
  CHECK(totals.requested == 1);
  CHECK(totals.ready == 1);
  CHECK(totals.waiting[static_cast<int>(WaitReason::due)] == 1);
  CHECK(totals.done[static_cast<int>(JobOutcome::succeeded)] == 1);
  CHECK(totals.done[static_cast<int>(JobOutcome::canceled)] == 1);
}

TEST_CASE("Open jobs are counted by owner, a running one once, and done ones not at all") {
  ON_EVERY_STORE(store);
  CHECK(store->countByOwner().empty());
  const auto left = store.openAssistant();
  const auto executor = store.open(Role::executor, "e");
  finishJob(store, store.add());
  CHECK(store->countByOwner().empty());
  store.addRunning(left);
  store.addRequested(left);
  store.addRunning(executor);  // from the principal's queue
  NewJob later = newJob();
  later.delayMicros = hour;
  store.add(later, left);
  for (int i = 0; i < 3; ++i) store.add(newJob("kind-" + std::to_string(i)));
  later.id = makeJobID();
  store.add(later);
  const CountsByOwner expected{{principalOwner, {1, 3, 1}}, {left, {1, 0, 2}}};
  CHECK(store->countByOwner() == expected);
  // A closed one's jobs stand in its queue until they are adopted.
  store.close(left, Closing::died, store.openPrincipal());
  CHECK(store->countByOwner() == expected);
}

TEST_CASE("The log tells each transition with its states, attempt, actor and time") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  NewJob job = newJob();
  job.delayMicros = second;
  job.body.attemptLimitMicros = minute;
  store.add(job, left);
  const std::int64_t start = store.clock().now().utcMicros;
  store.clock().advanceMicros(second);
  const JobRow row = store.run(job.id, left);
  store.clock().advanceMicros(second);
  Fail fail;
  fail.attempt = attemptOf(row);
  fail.failure.message = "no";
  fail.retryable = false;
  store.apply(fail);
  const auto log = store->readLog(job.id, 0, 100);
  REQUIRE(log.size() == 4);
  const auto expect = [&](std::size_t i, Move move, JobState before, JobState after, std::uint32_t attempt,
                          std::int64_t at, std::int64_t timer) {
    INFO("entry " << i);
    CHECK(log[i].index == i);
    CHECK(log[i].move == move);
    CHECK(log[i].before == before);
    CHECK(log[i].after == after);
    CHECK(log[i].attempt == attempt);
    CHECK(log[i].at == at);
    CHECK(log[i].timer == timer);
  };
  expect(0, Move::submitLater, JobState::waiting, JobState::waiting, 0, start, start + second);
  expect(1, Move::promote, JobState::waiting, JobState::ready, 0, start + second, 0);
  expect(2, Move::claim, JobState::ready, JobState::inProgress, 1, start + second, start + second + minute);
  expect(3, Move::fail, JobState::inProgress, JobState::done, 1, start + 2 * second, 0);
  CHECK(log[0].actor == left.value);
  CHECK(log[1].actor.isNil());
  CHECK(log[3].note == "no");
  CHECK(store->readLog(job.id, 2, 1).at(0).index == 2);
  CHECK(store->readLog(job.id, 4, 1).empty());
  CHECK(store->readLog(job.id, 0, 0).empty());
}

TEST_CASE("Every commit grows the sequence and tells its listeners whom it concerns") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  std::vector<Effects> heard;
  auto listening = store->subscribe([&](const Effects& effects) { heard.push_back(effects); });
  const auto before = store->sequence();
  store.add(left);
  CHECK(store->sequence() > before);
  REQUIRE_FALSE(heard.empty());
  CHECK(heard.front().owners == std::vector{left});
  CHECK_FALSE(heard.front().finished);
  heard.clear();
  finishJob(store, store.add());
  CHECK(std::any_of(heard.begin(), heard.end(), [](const Effects& effects) { return effects.finished; }));
  heard.clear();
  store.close(left, Closing::stopped, left);
  CHECK(std::any_of(heard.begin(), heard.end(), [](const Effects& effects) { return effects.closed; }));
  listening.reset();
  heard.clear();
  store.add();
  CHECK(heard.empty());
}

TEST_CASE("Verbs of one post are answered in order, each for itself") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const NewJob job = newJob();
  std::vector<Verb> verbs;
  verbs.emplace_back(submitOf({job}, left));
  verbs.emplace_back(Cancel{makeJobID(), {}});
  verbs.emplace_back(claimOf(left, 0));
  verbs.emplace_back(claimOf(left));
  const auto answers = store->applyAll(verbs);
  REQUIRE(answers.size() == 4);
  const auto isExpected = [&](std::size_t i, Verdict verdict) {
    const Verdict got = baseOf(answers[i]).verdict;
    return got == verdict || (store.isLossy() && got == Verdict::unknown);
  };
  CHECK(isExpected(0, Verdict::ok));
  CHECK(isExpected(1, Verdict::notFound));
  CHECK(isExpected(2, Verdict::refused));
  CHECK(isExpected(3, Verdict::ok));
  CHECK(store.row(job.id).state == JobState::inProgress);
  // More than a thousand verbs are no commit.
  const std::vector<Verb> many(1001, Verb(Cancel{job.id, {}}));
  for (const auto& answer : store->applyAll(many)) {
    const Verdict verdict = baseOf(answer).verdict;
    if (verdict != Verdict::refused && verdict != Verdict::unknown) FAIL_CHECK("a verb was applied");
  }
  CHECK_FALSE(store.row(job.id).cancelRequested);
}
