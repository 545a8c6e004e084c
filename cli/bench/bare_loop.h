#pragma once
#include <memory>
#include <string>

#include "cli/bench/load.h"

namespace callsheet {
inline namespace v1 {

/// The yardstick: the least that LMDB can be asked for to keep a queue. Two tables, ready and running; submit puts,
/// claim moves, complete deletes; complete and the next claim share a transaction; full sync. No states, retries,
/// fencing, log or checks. The doorbell is a futex in the shared page.
[[nodiscard]] std::unique_ptr<LoadClient> makeBareClient(const std::string& directory, LoadPage& page, unsigned pair);

/// For example "LMDB 0.9.24".
[[nodiscard]] std::string lmdbVersion();

}  // namespace v1
}  // namespace callsheet
