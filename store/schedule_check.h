#pragma once
#include <cstddef>
#include <functional>
#include <string>

#include "store/lmdb_rows.h"

namespace callsheet {
inline namespace v1 {

/// Whether every schedule can be read, has its settings and stands where it is due. Answers how many places those are.
[[nodiscard]] std::size_t checkSchedules(LmdbRows& rows, const std::function<void(const std::string&)>& unreadable,
                                         const std::function<void(const std::string&)>& problem);

}  // namespace v1
}  // namespace callsheet
