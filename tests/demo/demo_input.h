#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/demo/compress_job.h"

namespace callsheet {
inline namespace v1 {

/// `jobs` lists of segments of `bytes` each, from the files that every Debian has. Deterministic on one machine. When
/// the machine has too few files, they are taken again from the start.
[[nodiscard]] std::vector<std::vector<Segment>> collectInput(std::size_t jobs, std::uint64_t bytes);

}  // namespace v1
}  // namespace callsheet
