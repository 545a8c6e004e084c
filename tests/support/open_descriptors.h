#pragma once
#include <cstddef>
#include <filesystem>

namespace callsheet::tests {

/// How many descriptors this process has open.
[[nodiscard]] inline std::size_t openDescriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace callsheet::tests
