#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace callsheet {
inline namespace v1 {

/// What became of everything that the sessions of one run put into a queue. One session may be handed out what another
/// one has not yet heard to be made. Single-threaded.
class CycleLedger {
 public:
  void made(const std::string& id);
  void handedOut(const std::string& id);
  void done(const std::string& id);
  [[nodiscard]] std::uint64_t doneCount() const { return doneCount_; }
  /// Throws BenchFailure unless all that was made was handed out once and done once.
  void requireAllDone() const;

 private:
  struct Steps {
    bool isMade = false;
    bool isHandedOut = false;
    bool isDone = false;
  };
  std::unordered_map<std::string, Steps> steps_;
  std::uint64_t doneCount_ = 0;
};

/// One connection's way through a queue: it puts something in, takes something out and acknowledges that, again and
/// again, with one request under way at a time. Single-threaded.
class CycleSession {
 public:
  virtual ~CycleSession() = default;
  /// The next request. Empty when a cycle is over and none is to begin.
  [[nodiscard]] virtual std::string next(bool mayBegin) = 0;
  /// Understands the answer at the front of what came; its size, or 0 while it is incomplete. Throws BenchFailure for
  /// one that must not come.
  [[nodiscard]] virtual std::size_t answered(std::string_view received) = 0;
};

/// Lets each session go over a connection of its own to the Unix socket until the time is over, then until all have
/// ended their cycles. The seconds it took, to the last answer.
[[nodiscard]] double driveCycles(const std::string& socketPath,
                                 const std::vector<std::unique_ptr<CycleSession>>& sessions, double seconds);

}  // namespace v1
}  // namespace callsheet
