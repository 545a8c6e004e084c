#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/job_store.h"

namespace callsheet {
inline namespace v1 {

struct UpcomingFiring {
  std::int64_t at = 0;  ///< UTC us
  std::string schedule;
  friend bool operator==(const UpcomingFiring&, const UpcomingFiring&) = default;
};

/// The next firings of a store's schedules before `until`, at most so many, in order; what is overdue comes first.
/// Schedules whose zone is not known any more are left out.
[[nodiscard]] std::vector<UpcomingFiring> upcomingFirings(JobStore& store, std::int64_t until, std::size_t limit);

}  // namespace v1
}  // namespace callsheet
