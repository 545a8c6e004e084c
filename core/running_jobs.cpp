#include "core/running_jobs.h"

namespace callsheet {
inline namespace v1 {

void forEachRunning(Rows& rows, const std::function<void(const JobRow&)>& visit) {
  std::vector<AttachedKey> places;
  rows.scanAttached({}, [&](const AttachedKey& key) {
    places.push_back(key);
    return true;
  });
  for (const AttachedKey& place : places) {
    try {
      // A job may stand there twice, by its holder and by its owner.
      const auto row = rows.job(place.id);
      if (row && isRunning(*row) && attachedKeysOf(*row).keys[0] == place) visit(*row);
    } catch (const UnreadableRow&) {
      continue;
    }
  }
}

}  // namespace v1
}  // namespace callsheet
