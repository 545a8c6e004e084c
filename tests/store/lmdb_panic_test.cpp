// LMDB gives an environment up for good when the last write of a commit fails. The store opens it again.
#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>
#include <thread>

#include "tests/support/store_fixture.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {
std::atomic<int> metaWritesToFail{0};
std::atomic<int> flushesToFail{0};

bool takeOne(std::atomic<int>& left) {
  int now = left.load();
  while (now > 0 && !left.compare_exchange_weak(now, now - 1)) {
  }
  return now > 0;
}
}  // namespace

// What LMDB calls in this program: the meta pages are the first two, and are written by parts.
extern "C" ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t offset) {
  using Function = ssize_t (*)(int, const void*, size_t, off_t);
  static const auto real = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "pwrite"));
  if (offset < 2 * 4096 && size < 4096 && takeOne(metaWritesToFail)) {
    errno = EIO;
    return -1;
  }
  return real(descriptor, bytes, size, offset);
}

extern "C" int fdatasync(int descriptor) {
  using Function = int (*)(int);
  static const auto real = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "fdatasync"));
  if (takeOne(flushesToFail)) {
    errno = EIO;
    return -1;
  }
  return real(descriptor);
}

TEST_CASE("A commit whose last write failed is of unknown outcome, and a repeat with the same ids succeeds") {
  StoreFixture fixture;
  const NewJob before = newJob();
  REQUIRE(fixture->apply(submitOf({before})).verdict == Verdict::ok);
  const NewJob job = newJob();
  metaWritesToFail = 1;
  CHECK(fixture->apply(submitOf({job})).verdict == Verdict::unknown);
  CHECK(metaWritesToFail == 0);
  // Reading heals it as well as writing.
  if (GENERATE(true, false)) CHECK(fixture->find(before.id));
  const auto again = fixture->apply(submitOf({job}));
  REQUIRE(again.jobs.size() == 1);
  CHECK(isAccepted(again.jobs[0].verdict));
  CHECK(fixture->find(job.id));
  CHECK(fixture->totals().submitted == 2);
}

TEST_CASE("The verbs of a commit whose last write failed are applied once more, each with its own answer") {
  StoreFixture fixture;
  std::vector<Verb> verbs;
  std::vector<JobID> ids;
  for (int i = 0; i < 10; ++i) {
    const NewJob job = newJob();
    ids.push_back(job.id);
    verbs.emplace_back(submitOf({job}));
  }
  metaWritesToFail = 1;
  for (const auto& answer : fixture->applyAll(std::move(verbs))) CHECK(isAccepted(baseOf(answer).verdict));
  CHECK(metaWritesToFail == 0);
  for (const JobID id : ids) CHECK(fixture->find(id));
  CHECK(fixture->totals().submitted == 10);
}

TEST_CASE("A flush that fails loses nothing that was answered, and the store goes on") {
  StoreFixture fixture;
  const NewJob before = newJob();
  REQUIRE(fixture->apply(submitOf({before})).verdict == Verdict::ok);
  const NewJob job = newJob();
  flushesToFail = 1;
  CHECK(fixture->apply(submitOf({job})).verdict == Verdict::unknown);
  CHECK(flushesToFail == 0);
  CHECK(isAccepted(fixture->apply(submitOf({job})).verdict));
  CHECK(fixture->find(before.id));
  CHECK(fixture->find(job.id));
}

TEST_CASE("Readers in other threads live through the opening again") {
  StoreFixture fixture;
  const NewJob job = newJob();
  REQUIRE(fixture->apply(submitOf({job})).verdict == Verdict::ok);
  std::atomic<bool> isOver{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i)
    readers.emplace_back([&] {
      while (!isOver)
        if (!fixture->find(job.id)) ++wrong;
    });
  int repeated = 0;
  for (int i = 0; i < 50; ++i) {
    const NewJob next = newJob();
    metaWritesToFail = i % 2;
    auto answer = fixture->apply(submitOf({next}));
    if (answer.verdict == Verdict::unknown) {
      ++repeated;
      answer = fixture->apply(submitOf({next}));
    }
    CHECK(isAccepted(answer.verdict));
  }
  isOver = true;
  for (auto& reader : readers) reader.join();
  CHECK(repeated == 25);
  CHECK(wrong == 0);
  CHECK(fixture->totals().submitted == 51);
}
