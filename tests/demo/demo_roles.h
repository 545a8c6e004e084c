#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "callsheet/job_types.h"

namespace callsheet {
inline namespace v1 {

inline constexpr const char* demoStoreID = "demo";
inline constexpr const char* compressKind = "demo.compress";
inline constexpr unsigned workersEach = 2;

/// One binary of job types, linked into every process.
[[nodiscard]] JobTypes demoTypes();

/// A director in a process of its own, until SIGTERM. Answers the exit code.
int runDirector(const std::string& location, const std::string& role);

/// Child processes that are this program again; killed when it ends.
class DirectorProcesses {
 public:
  ~DirectorProcesses();
  pid_t spawn(const std::string& location, const std::string& role);
  void kill(pid_t process);
  /// Stopped when it returns; goes on with thaw().
  void freeze(pid_t process);
  void thaw(pid_t process);
  /// TERM, then waits; whether all ended with 0.
  bool stopAll();

 private:
  std::vector<pid_t> processes_;
};

}  // namespace v1
}  // namespace callsheet
