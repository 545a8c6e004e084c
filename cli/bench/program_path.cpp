#include "cli/bench/program_path.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

namespace callsheet {
inline namespace v1 {

std::string programPath(const std::string& program) {
  const char* const path = std::getenv("PATH");
  std::istringstream directories((path == nullptr ? std::string() : std::string(path)) + ":/usr/bin:/usr/sbin");
  for (std::string directory; std::getline(directories, directory, ':');) {
    std::string file = fmt::format("{}/{}", directory, program);
    if (!directory.empty() && ::access(file.c_str(), X_OK) == 0) return file;
  }
  return {};
}

}  // namespace v1
}  // namespace callsheet
