#pragma once
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

namespace callsheet::tests {

/// The seed of a random test: CALLSHEET_SEED if it is set, so that a failure can be repeated, otherwise a new one. Say
/// `INFO("CALLSHEET_SEED=" << seed)` in the test, so that it is printed with a failure.
[[nodiscard]] inline std::uint64_t randomSeed() {
  if (const char* given = std::getenv("CALLSHEET_SEED"); given != nullptr && *given != '\0') return std::stoull(given);
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32 | device();
}

/// Small random numbers with the same sequence for a seed on every machine (the standard's distributions differ).
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  /// 0 to sides - 1.
  [[nodiscard]] std::uint32_t roll(std::uint32_t sides) { return static_cast<std::uint32_t>(engine_() % sides); }
  [[nodiscard]] bool oneIn(std::uint32_t sides) { return roll(sides) == 0; }
  [[nodiscard]] std::uint64_t bits() { return engine_(); }
  template <class Container>
  [[nodiscard]] const auto& pick(const Container& container) {
    return container[roll(static_cast<std::uint32_t>(container.size()))];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace callsheet::tests
