#include "jobs/transfer_command.h"

#include <cstdlib>

namespace callsheet {
inline namespace v1 {

namespace {
// What else of this process's environment says how to reach others, and whom to trust.
constexpr const char* forNetwork[] = {"http_proxy", "https_proxy", "HTTPS_PROXY",   "all_proxy",   "ALL_PROXY",
                                      "no_proxy",   "NO_PROXY",    "SSL_CERT_FILE", "SSL_CERT_DIR"};

void pass(CommandSpec& command, const std::string& variable) {
  if (const char* const value = std::getenv(variable.c_str())) command.env[variable] = value;
}
}  // namespace

CommandSpec commandOfTransfer(const std::string& program, std::string_view kind, const std::string& parameters) {
  CommandSpec command;
  command.argv = {program, "machine", std::string(kind.substr(kind.find('.') + 1))};
  command.input = parameters;
  command.result = true;
  for (const char* variable : forNetwork) pass(command, variable);
  // The secrets that it names, and no others.
  constexpr std::string_view begin = "${env:";
  for (std::size_t at = parameters.find(begin); at != std::string::npos; at = parameters.find(begin, at)) {
    at += begin.size();
    const std::size_t end = parameters.find('}', at);
    if (end == std::string::npos) break;
    pass(command, parameters.substr(at, end - at));
  }
  return command;
}

}  // namespace v1
}  // namespace callsheet
