#pragma once
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace callsheet::tests {

/// Waits until `condition()` holds; false when it still does not after `deadline`. The one place where a test sleeps.
template <class Condition>
[[nodiscard]] bool waitFor(const Condition& condition, std::chrono::milliseconds deadline = std::chrono::seconds{20}) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{2});  // check:allow-sleep
  }
  return true;
}

/// The same for code that runs on another thread than the test, where Catch's assertions have no place: what does not
/// come ends the process.
template <class Condition>
void waitOrAbort(const Condition& condition) {
  if (waitFor(condition)) return;
  std::fputs("a thread of the test waited in vain\n", stderr);
  std::abort();
}

}  // namespace callsheet::tests
