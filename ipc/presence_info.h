#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "callsheet/uuid.h"

namespace callsheet {
inline namespace v1 {

/// What a presence says of its holder. Only the lock proves anything; this names the process to watch and to show.
struct PresenceInfo {
  std::string name;                ///< empty for the principal
  std::string role;                ///< "principal", "assistant" or "executor"
  pid_t pid = 0;                   ///< 0: unknown
  std::uint64_t startTime = 0;     ///< of /proc/PID/stat, ticks since boot
  std::uint64_t pidNamespace = 0;  ///< inode of the PID namespace that the pid belongs to
  Uuid bootID;

  friend bool operator==(const PresenceInfo&, const PresenceInfo&) = default;
  /// Of the calling process.
  [[nodiscard]] static PresenceInfo ofThisProcess(std::string name, std::string role);
  /// key=value lines, the incarnation first.
  [[nodiscard]] std::string toText(IncarnationID incarnation) const;
  /// Takes what it understands; unknown lines and values are passed over.
  [[nodiscard]] static PresenceInfo parse(std::string_view text);
};

}  // namespace v1
}  // namespace callsheet
