#include "cli/json_output.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/terminal.h"

namespace callsheet {
inline namespace v1 {

namespace {

std::string textOf(const Json& json, int indent) {
  // A store that somebody else wrote may hold bytes that are no UTF-8; they must not keep it from being read.
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

void printJson(const Json& json) {
  printLine(textOf(json, 2));
}

void printJsonLine(const Json& json) {
  printLine(textOf(json, -1));
  std::fflush(stdout);
}

}  // namespace v1
}  // namespace callsheet
