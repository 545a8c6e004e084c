#pragma once
#include <string>

#include "ipc/store_paths.h"

namespace callsheet {
inline namespace v1 {

/// Puts what commands leave into a directory of somebody's choice, from now on and for everybody who opens the store:
/// `tasks` becomes a link to it. It is made where it is missing, mode 0700, and serves one store only. Throws Error,
/// and changes nothing, when it cannot be used or `tasks` holds something already.
void placeTasks(const StoreDirectory& store, const std::string& directory);

}  // namespace v1
}  // namespace callsheet
