#include "core/incarnation_row.h"

namespace callsheet {
inline namespace v1 {

std::string_view toString(Role role) {
  switch (role) {
    case Role::principal:
      return "principal";
    case Role::assistant:
      return "assistant";
    case Role::executor:
      return "executor";
  }
  return "unknown";
}

std::string_view toString(Closing closing) {
  switch (closing) {
    case Closing::open:
      return "open";
    case Closing::stopped:
      return "stopped";
    case Closing::died:
      return "died";
    case Closing::hung:
      return "hung";
  }
  return "unknown";
}

}  // namespace v1
}  // namespace callsheet
