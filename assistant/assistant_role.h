#pragma once
#include <string>
#include <vector>

#include "core/job_store.h"
#include "ipc/store_paths.h"

namespace callsheet {
inline namespace v1 {

/// What makes a director an assistant: its name, which one living director has at a time. Everything else that an
/// assistant's end needs, the principal does.
class AssistantRole {
 public:
  /// Registers. Throws Error(conflict) when a living director has the name. A dead holder of the name is closed in the
  /// same transaction; what it left goes to the principal, never to this one.
  AssistantRole(JobStore& store, const StoreDirectory& directory, IncarnationID self, const std::string& name,
                std::vector<std::string> kinds);
};

}  // namespace v1
}  // namespace callsheet
