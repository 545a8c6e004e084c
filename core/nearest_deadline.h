#pragma once
#include "core/clock.h"
#include "core/rows.h"

namespace callsheet {
inline namespace v1 {

/// When the first attempt's time is over, on this boot's clock: `never` when none has a limit, and the least number of
/// all when one has passed because it is of another boot.
[[nodiscard]] std::int64_t nearestDeadline(Rows& rows, const Moment& now);

}  // namespace v1
}  // namespace callsheet
