#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "cli/bench/load.h"

namespace callsheet {
inline namespace v1 {

/// Makes the store of one run below a directory.
void makeBenchStore(const std::string& directory);
/// Throws BenchFailure unless the store below the directory holds exactly so many jobs, all succeeded, and its check is
/// clean.
void requireAllSucceeded(const std::string& directory, std::uint64_t jobs);

/// The store at work, without a director around it: verbs go straight to the job store, wake-ups come by the doorbell
/// socket. Each pair has an assistant of its own, whose queue its submitter fills.
[[nodiscard]] std::unique_ptr<LoadClient> makeStoreSubmitter(const std::string& directory, unsigned pair);
[[nodiscard]] std::unique_ptr<LoadClient> makeStoreWorker(const std::string& directory, unsigned pair);

/// The id of the bench's stores.
inline constexpr const char* benchStoreID = "bench";

}  // namespace v1
}  // namespace callsheet
