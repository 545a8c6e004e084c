#pragma once
#include "store/lmdb_environment.h"
#include "store/lmdb_job_store.h"

namespace callsheet {
inline namespace v1 {

/// Every record, every order and the totals, in one snapshot.
[[nodiscard]] CheckReport checkStore(LmdbEnvironment& environment);

}  // namespace v1
}  // namespace callsheet
