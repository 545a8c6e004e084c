#pragma once
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace callsheet::tests {

/// A directory of a test's own, removed with all that is in it: under the system's temporary directory, or in memory,
/// for tests whose many commits need not wait for a disk.
class TemporaryDirectory {
 public:
  enum class Place { disk, memory };
  explicit TemporaryDirectory(Place place = Place::disk) {
    const bool inMemory = place == Place::memory && ::access("/dev/shm", W_OK) == 0;
    const std::filesystem::path parent = inMemory ? "/dev/shm" : std::filesystem::temp_directory_path();
    std::string pattern = (parent / "callsheet-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
      throw std::runtime_error("no temporary directory could be made: " + pattern);
    path_ = pattern;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace callsheet::tests
