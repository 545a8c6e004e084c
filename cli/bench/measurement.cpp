#include "cli/bench/measurement.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

BenchDirectory::BenchDirectory(const std::string& parent) : path_(parent + "/callsheet-bench-XXXXXX") {
  if (::mkdtemp(path_.data()) == nullptr)
    throw systemError("the bench cannot write in " + parent + "; name another directory with --dir", errno);
}

BenchDirectory::~BenchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string BenchDirectory::makeFresh() const {
  std::string fresh = path_ + "/run";
  std::filesystem::remove_all(fresh);
  std::filesystem::create_directory(fresh);
  return fresh;
}

}  // namespace v1
}  // namespace callsheet
