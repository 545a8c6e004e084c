#pragma once
#include <string>
#include <vector>

namespace callsheet {
inline namespace v1 {

/// Kinds whose jobs mostly wait for others, so that they are to take nobody's worker.
struct WaitingJobs {
  std::vector<std::string> kinds;
  unsigned workers = 0;  ///< their own: so many run at once, beside the director's; each a thread, made when it is
                         ///< first needed, but of jobs that need none (JobTypes::addDetached)
};

}  // namespace v1
}  // namespace callsheet
