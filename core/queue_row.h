#pragma once
#include <cstdint>
#include <limits>
#include <string>

namespace callsheet {
inline namespace v1 {

/// What somebody has set for a named queue. A queue without a row has no limit and is open.
struct QueueRow {
  std::string name;            ///< the key; not in the body
  std::uint32_t parallel = 0;  ///< jobs handed out at once, in all processes; 0: no limit
  bool isPaused = false;       ///< nothing more is handed out; what runs goes on
  std::uint32_t running = 0;   ///< handed out and not ended; kept in step by the verbs, recounted by `check`

  template <class Archive>
  void serialize(Archive& archive) {
    archive(parallel, isPaused, running);
  }
  /// How many more may be handed out now.
  [[nodiscard]] std::uint32_t room() const {
    if (isPaused) return 0;
    if (parallel == 0) return std::numeric_limits<std::uint32_t>::max();
    return running < parallel ? parallel - running : 0;
  }
  friend bool operator==(const QueueRow&, const QueueRow&) = default;
};

}  // namespace v1
}  // namespace callsheet
