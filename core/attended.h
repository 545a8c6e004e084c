#pragma once
#include <vector>

#include "core/rows.h"

namespace callsheet {
inline namespace v1 {

/// The attempts at commands that an incarnation attends to, whether it started them or adopted them. Rows that cannot
/// be read are left out; at most `limit`.
[[nodiscard]] std::vector<JobRow> commandsAttendedBy(Rows& rows, IncarnationID incarnation, std::size_t limit);

}  // namespace v1
}  // namespace callsheet
