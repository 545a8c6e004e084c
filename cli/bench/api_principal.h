#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "cli/bench/bench_child.h"
#include "cli/bench/rpc_text.h"
#include "cli/bench/stream_connection.h"

namespace callsheet {
inline namespace v1 {

/// A `callsheet principal` of its own process over a fresh store below a directory, with the bench's kind defined.
/// Killed with the object unless it was stopped. Lives on the main thread.
class ApiPrincipal {
 public:
  explicit ApiPrincipal(std::string directory);

  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] const std::string& socketPath() const { return socketPath_; }
  [[nodiscard]] pid_t pid() const { return child_.pid(); }
  /// How many commits the store has seen.
  [[nodiscard]] std::uint64_t commits() const;
  /// TERM. Throws BenchFailure unless it ends well and all that the store holds are so many succeeded jobs.
  void stop(std::uint64_t jobs);

 private:
  std::string directory_;
  std::string socketPath_;
  BenchChild child_;
};

/// Sends a request and waits for its answer's body. Throws BenchFailure unless it is accepted.
[[nodiscard]] std::string ask(StreamConnection& connection, std::string_view path, std::string_view body);
/// Starts and ends tasks that were handed out.
void finishTasks(StreamConnection& connection, const std::vector<RpcTask>& tasks);

}  // namespace v1
}  // namespace callsheet
