#include "callsheet/log.h"

namespace callsheet {
inline namespace v1 {

std::string_view toString(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "unknown";
}

}  // namespace v1
}  // namespace callsheet
