#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace callsheet {
inline namespace v1 {

/// How a director that has the `callsheet` command runs jobs of the kind callsheet.script: as commands that go on
/// without it. Their parameters are {"script": NAME or http(s) address, "config": any}; the script is read or fetched
/// at every execution.
struct ScriptOptions {
  std::string directory;                     ///< where scripts lie that are named by no address; empty: nowhere
  std::string modules;                       ///< where scripts for Node find modules beside their own; empty: none
  std::uint64_t memoryBytes = 512ull << 20;  ///< each execution's; 0: no limit
  std::chrono::microseconds limit = std::chrono::minutes{10};  ///< of an execution whose job has none; 0: none
};

}  // namespace v1
}  // namespace callsheet
