#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <string>

namespace callsheet {
inline namespace v1 {

inline constexpr std::uint64_t stepsMax = std::uint64_t{4} << 20;  ///< of one run
inline constexpr std::uint32_t stepsOfJobMax = 127;

/// What the bench and the process that runs steps share: a director's, and after that the bare loop's.
struct StepPage {
  // Set before the child begins.
  std::uint32_t steps = 1;       ///< of a job
  std::uint32_t jobsAtOnce = 1;  ///< submitted together, and waited for
  std::uint32_t workers = 1;
  std::int64_t runNanos = 0;
  // Set for the bare loop alone: what the director did, which it repeats.
  std::uint64_t jobsToDo = 0;
  std::uint64_t commitsToDo = 0;
  std::uint32_t recordsOfJob = 0;  ///< results of steps that are stored of a job
  std::array<std::uint32_t, stepsOfJobMax + 1> recordBytes{};

  std::atomic<bool> isReady{false};
  std::atomic<std::int64_t> goAt{0};    ///< benchNanos(); 0: not yet
  std::atomic<std::int64_t> doneAt{0};  ///< when the last job was known to be done; set last
  std::atomic<bool> isOver{false};      ///< the child may end
  std::atomic<std::int64_t> processorNanos{0};
  std::atomic<std::uint64_t> jobs{0};
  std::atomic<std::uint64_t> wrong{0};  ///< steps that ran twice, or that nobody asked for
  std::array<std::atomic<std::uint8_t>, stepsMax> ran;
};

/// The start of a child's run and its end. Single-threaded.
class StepRun {
 public:
  /// Waits for the start.
  explicit StepRun(StepPage& page);
  /// Whether the time is over.
  [[nodiscard]] bool isOver() const;
  /// Notes the time, and waits until the bench has counted.
  void finish(std::uint64_t jobs);

 private:
  StepPage& page_;
  std::int64_t processorBefore_;
};

/// The director's process: a principal that submits jobs of that many steps, runs them, and waits for them, so many at
/// once, until the time is over.
void runStepDirector(const std::string& directory);
/// The bare loop's process: as many commits with as many puts of as many bytes, under keys of the same form.
void runBareSteps(const std::string& directory);

}  // namespace v1
}  // namespace callsheet
