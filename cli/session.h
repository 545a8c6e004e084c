#pragma once
#include <memory>
#include <string>
#include <vector>

#include "callsheet/uuid.h"
#include "director/store_access.h"

namespace callsheet {
inline namespace v1 {

/// One call of the command: what its global options say, and the store that they name, opened when it is first needed.
/// Lives on the main thread.
class Session {
 public:
  std::string location;  ///< the directory that holds stores
  std::string id = "default";
  bool json = false;
  bool allowForeignFilesystem = false;
  std::vector<std::string> trailing;  ///< what stood behind `--`

  /// The store as it is. Error(notFound) when there is none: whoever only reads does not make one.
  [[nodiscard]] StoreAccess& access();
  /// The same, made when it is missing.
  [[nodiscard]] StoreAccess& accessOrMake();
  [[nodiscard]] LmdbJobStore& store() { return access().store(); }

  /// Whose presence is held. An open incarnation that is not among them died, and nobody has adopted it yet.
  [[nodiscard]] std::vector<IncarnationID> living();
  /// Whether a commit still waits for the write lock, so that closing the store would wait with it.
  [[nodiscard]] bool isStuck() const { return access_ && access_->isWaitingToWrite(); }

  /// The one job that the text means. Error(notFound) for none; Error(usage) that lists the candidates for several.
  [[nodiscard]] JobID resolve(const std::string& text);
  /// All or an Error, so that a command with one wrong id does nothing.
  [[nodiscard]] std::vector<JobID> resolveAll(const std::vector<std::string>& texts);

 private:
  [[nodiscard]] StoreAccess& open(bool create);
  std::shared_ptr<StoreAccess> access_;
};

/// Where stores are when nobody says: /var/lib/callsheet for root, else $XDG_STATE_HOME/callsheet or
/// ~/.local/state/callsheet.
[[nodiscard]] std::string defaultLocation();

}  // namespace v1
}  // namespace callsheet
