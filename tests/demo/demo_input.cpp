#include "tests/demo/demo_input.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace callsheet {
inline namespace v1 {

namespace {
namespace fs = std::filesystem;

std::vector<Segment> wholeFiles(std::uint64_t enough) {
  std::vector<Segment> files;
  std::uint64_t sum = 0;
  for (const char* root : {"/usr/bin", "/usr/lib", "/usr/include", "/usr/share"}) {
    std::error_code error;
    std::vector<Segment> found;
    for (fs::recursive_directory_iterator at(root, fs::directory_options::skip_permission_denied, error), end;
         !error && at != end; at.increment(error)) {
      std::error_code ignored;
      if (!at->is_regular_file(ignored) || at->is_symlink(ignored)) continue;
      const auto size = at->file_size(ignored);
      if (ignored || size < 4096 || ::access(at->path().c_str(), R_OK) != 0) continue;
      found.push_back({at->path().string(), 0, size});
      sum += size;
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
    files.insert(files.end(), found.begin(), found.end());
    if (sum > enough) break;
  }
  return files;
}
}  // namespace

std::vector<std::vector<Segment>> collectInput(std::size_t jobs, std::uint64_t bytes) {
  const std::vector<Segment> files = wholeFiles(jobs * bytes + bytes);
  std::vector<std::vector<Segment>> input(jobs);
  std::size_t file = 0;
  std::uint64_t offset = 0;
  for (auto& segments : input) {
    for (std::uint64_t missing = bytes; missing > 0 && !files.empty();) {
      const std::uint64_t take = std::min(missing, files[file].bytes - offset);
      segments.push_back({files[file].path, offset, take});
      missing -= take;
      offset += take;
      if (offset == files[file].bytes) {
        offset = 0;
        file = (file + 1) % files.size();
      }
    }
  }
  return input;
}

}  // namespace v1
}  // namespace callsheet
