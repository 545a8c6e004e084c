#pragma once
#include <memory>

#include "core/clock.h"
#include "core/job_store.h"

namespace callsheet {
inline namespace v1 {

/// A job store that lives and dies with its process: for tests, and the yardstick that the durable one is compared
/// with. Thread-safe; verbs are applied on the caller's thread.
[[nodiscard]] std::unique_ptr<JobStore> makeMemoryJobStore(const Clock& clock);

}  // namespace v1
}  // namespace callsheet
