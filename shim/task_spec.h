#pragma once
#include <cstddef>
#include <cstdint>

#include "shim/protocol.h"

namespace callsheet {
inline namespace v1 {

/// What a shim is to run (shim/protocol.h).
struct TaskSpec {
  char job[37] = "";
  char exec[37] = "";
  char boot[37] = "";
  char task[9] = "";
  char bells[2][96] = {};
  char group[groupLineBytes] = "";  ///< empty: none
  std::uint32_t attempt = 0;
  std::int64_t deadlineNanos = 0;
  std::int64_t graceMillis = 5'000;
  std::int64_t patienceMillis = 0;
  std::int64_t heartbeatMillis = 5'000;
  std::uint64_t outputMax = std::uint64_t{1} << 30;
  bool isApart = false;
  bool hasTaskCodes = false;
  bool isLockGiven = false;
  bool hasResult = false;
  std::int32_t parent = 0;
  int umask = -1;
  int nice = 0;
  int ioClass = -1;
  int ioLevel = 0;
  std::uint64_t memoryBytes = 0;
  std::uint64_t cpuSeconds = 0;

  // In one mapping of its own, until the command runs; the lists end with a null pointer.
  char** programs = nullptr;
  char** arguments = nullptr;
  char** variables = nullptr;
  const char* workingDirectory = nullptr;
  const char* input = nullptr;
  void* mapping = nullptr;
  std::size_t mappingBytes = 0;
};

/// Reads and checks what stands in the descriptor. False with errno when it cannot be read or is no spec.
[[nodiscard]] bool readTaskSpec(int descriptor, TaskSpec& spec);
/// Gives the mapping back: the command has its own copy.
void forgetCommand(TaskSpec& spec);

}  // namespace v1
}  // namespace callsheet
