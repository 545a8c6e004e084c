#pragma once
#include <string>
#include <vector>

namespace callsheet {
inline namespace v1 {

/// Kinds whose jobs mostly wait for others, so that they are to take nobody's worker.
struct WaitingJobs {
  std::vector<std::string> kinds;
  unsigned workers = 0;  ///< their own: so many run at once, beside the director's
};

}  // namespace v1
}  // namespace callsheet
