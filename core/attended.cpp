#include "core/attended.h"

namespace callsheet {
inline namespace v1 {

std::vector<JobRow> commandsAttendedBy(Rows& rows, IncarnationID incarnation, std::size_t limit) {
  std::vector<JobID> attached;
  rows.scanAttached({incarnation, {}}, [&](const AttachedKey& key) {
    if (key.incarnation != incarnation) return false;
    attached.push_back(key.id);
    return true;
  });
  std::vector<JobRow> found;
  for (const JobID id : attached) {
    if (found.size() == limit) break;
    try {
      auto row = rows.job(id);
      if (row && row->holderKind == HolderKind::shim && row->holder == incarnation.value)
        found.push_back(std::move(*row));
    } catch (const UnreadableRow&) {
      continue;  // its command goes on, and what it came to is in its directory
    }
  }
  return found;
}

}  // namespace v1
}  // namespace callsheet
