#pragma once
#include <chrono>
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

}  // namespace callsheet::tests
