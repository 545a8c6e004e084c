#include "ipc/process_state.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "ipc/pidfd.h"
#include "tests/ipc/ipc_support.h"

using namespace callsheet;
using callsheet::test::Child;
using callsheet::test::waitUntil;

namespace {
Child sleeper() {
  return Child::fork([](const Child::Ready& ready) {
    // A name that would mislead a careless reader of /proc.
    ::prctl(PR_SET_NAME, ") Z 1 (");
    ready();
    return test::waitToBeKilled();
  });
}
char letterOf(pid_t pid) {
  const auto state = processState(pid);
  return state ? state->letter : '-';
}
}  // namespace

TEST_CASE("A process's state and start time are read whatever its name is") {
  Child child = sleeper();
  REQUIRE(child.awaitReady());
  CHECK(waitUntil([&] { return letterOf(child.pid()) == 'S'; }));
  const auto running = processState(child.pid());
  REQUIRE(running);
  CHECK(running->startTime >= processState(::getpid())->startTime);
  CHECK_FALSE(running->isStoppedOrTraced());
  child.signal(SIGSTOP);
  CHECK(waitUntil([&] { return processState(child.pid())->isStoppedOrTraced(); }));
  CHECK(writerProcessState(child.pid())->isStoppedOrTraced());
  child.signal(SIGKILL);
  CHECK(waitUntil([&] { return processState(child.pid())->isEnded(); }));
  CHECK(processState(child.pid())->startTime == running->startTime);
  const pid_t pid = child.pid();
  child.join();
  CHECK_FALSE(processState(pid));
}

TEST_CASE("Killing through a pidfd hits the process with that start time and no other") {
  Child child = sleeper();
  REQUIRE(child.awaitReady());
  const std::uint64_t startTime = processState(child.pid())->startTime;
  CHECK_FALSE(killThroughPidfd(child.pid(), startTime + 1));
  CHECK_FALSE(killThroughPidfd(0, startTime));
  CHECK_FALSE(killThroughPidfd(-1, startTime));
  CHECK(letterOf(child.pid()) != 'Z');
  child.signal(SIGSTOP);
  CHECK(killThroughPidfd(child.pid(), startTime));
  const pid_t pid = child.pid();
  CHECK(child.join() == -SIGKILL);
  CHECK_FALSE(killThroughPidfd(pid, startTime));
}
