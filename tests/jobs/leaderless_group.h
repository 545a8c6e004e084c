#pragma once
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

namespace callsheet::tests {

/// A process group whose leader has ended, with one process in it that never ends by itself; that one becomes a child
/// of the test. The group's number; whoever asked for it kills the group and waits for it.
[[nodiscard]] inline pid_t leaderlessGroup() {
  const int reaper = ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  REQUIRE(reaper == 0);
  const pid_t leader = ::fork();
  if (leader == 0) {
    ::setpgid(0, 0);
    if (::fork() == 0)
      for (;;) ::pause();
    ::_exit(0);
  }
  ::setpgid(leader, leader);
  ::waitpid(leader, nullptr, 0);
  return leader;
}

}  // namespace callsheet::tests
