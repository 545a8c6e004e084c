#pragma once
#include <functional>

#include "core/rows.h"

namespace callsheet {
inline namespace v1 {

/// Every requested or running job, once each. Those that cannot be read are left out: their deadline or their holder's
/// end will set them aside.
void forEachRunning(Rows& rows, const std::function<void(const JobRow&)>& visit);

}  // namespace v1
}  // namespace callsheet
