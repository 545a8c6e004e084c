#pragma once
#include "api/json.h"
#include "core/queue_counts.h"

namespace callsheet {
inline namespace v1 {

/// A named queue as programs read it, from `--json` and from /v1 alike. No "v": it stands in other objects.
[[nodiscard]] Json queueJson(const QueueState& state);

}  // namespace v1
}  // namespace callsheet
