#pragma once
#include <functional>
#include <memory>
#include <optional>

#include "assistant/assistant_role.h"
#include "callsheet/job_director.h"
#include "director/store_access.h"
#include "ipc/board.h"
#include "ipc/doorbell.h"
#include "ipc/presence_lock.h"
#include "principal/principal_role.h"

namespace callsheet {
inline namespace v1 {

/// One incarnation of a director from registration to its end: presence, bell, line on the board, and the role. A
/// fenced director gets a new one.
class DirectorLife {
 public:
  struct Place {
    StoreAccess& access;
    EventLoop& loop;
    Board& board;
    const JobDirectorMode& mode;
    const JobDirectorOptions& options;
    std::vector<std::string> kinds;
  };

  /// Registers; throws Error when the role is taken. `onRing` comes on the loop's thread.
  DirectorLife(const Place& place, std::function<void()> onRing);
  ~DirectorLife();

  [[nodiscard]] IncarnationID incarnation() const { return incarnation_; }
  /// The role's own work begins: from now on it hears, and as principal adopts.
  void begin();
  /// Once a second on the loop's thread.
  void tick();
  /// Ends the role's work and closes the incarnation in the store.
  void close();
  /// Somebody else closed it: only lets go.
  void abandon();

 private:
  void beat();

  Place place_;
  IncarnationID incarnation_;
  std::function<void()> onRing_;
  PresenceLock presence_;
  DoorbellSocket bell_;
  std::optional<BoardSlot> slot_;  // nothing while there is no room for one
  unsigned ticksWithoutSlot_ = 0;
  std::unique_ptr<PrincipalRole> principal_;
  FdWatch bellWatch_;
};

}  // namespace v1
}  // namespace callsheet
