#include "core/fork_generation.h"

#include <pthread.h>

#include <atomic>

namespace callsheet {
inline namespace v1 {

namespace {
std::atomic<std::uint64_t> generation{0};
}  // namespace

std::uint64_t forkGeneration() {
  static const int installed =
      ::pthread_atfork(nullptr, nullptr, [] { generation.fetch_add(1, std::memory_order_relaxed); });
  static_cast<void>(installed);
  return generation.load(std::memory_order_relaxed);
}

}  // namespace v1
}  // namespace callsheet
