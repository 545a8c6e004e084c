#pragma once
#include <string>
#include <string_view>

namespace callsheet {
inline namespace v1 {

/// A task as people and programs hand it in: `{"machine":"NAME","parameters":…}`.
struct TaskBody {
  std::string machine;
  std::string parameters;  ///< JSON
};

/// Throws Error(invalid) that names all that is missing or does not belong there. Whether there is such a machine it
/// does not ask (jobs/task_machine.h).
[[nodiscard]] TaskBody parseTaskBody(std::string_view json);

}  // namespace v1
}  // namespace callsheet
