#pragma once
#include <sys/types.h>

#include "ipc/process_state.h"
#include "tests/support/wait_for.h"

// Only for tests that link the ipc floor.
namespace callsheet::tests {

/// Waits until a process stands stopped; false when it does not in time.
[[nodiscard]] inline bool waitUntilStopped(pid_t pid) {
  return waitFor([&] {
    const auto state = processState(pid);
    return state && state->isStoppedOrTraced();
  });
}

}  // namespace callsheet::tests
