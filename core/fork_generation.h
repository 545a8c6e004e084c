#pragma once
#include <cstdint>

namespace callsheet {
inline namespace v1 {

/// How many forks lie between this process and the one that its first caller was in: 0, or more in forked children.
/// Whoever remembers the number at its birth and finds another one later stands in a child and must not touch anything
/// shared. Costs a load, where getpid() costs a system call. Any thread.
[[nodiscard]] std::uint64_t forkGeneration();

}  // namespace v1
}  // namespace callsheet
