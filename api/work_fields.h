#pragma once
#include "api/api_store.h"
#include "api/fields.h"
#include "core/new_job.h"

namespace callsheet {
inline namespace v1 {

/// What the fields say of the work itself and how it is tried: kind, parameters, queue, priority, labels, attempts,
/// retryDelay, limit, requester, traceparent. Without an id. ApiError 422 names what is not as it must be, parameters
/// against their kind's schema too.
[[nodiscard]] NewJob workFrom(ApiStore& store, const Fields& fields);

}  // namespace v1
}  // namespace callsheet
