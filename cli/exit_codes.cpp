#include "cli/exit_codes.h"

#include <fmt/format.h>

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

std::vector<ExitCode> exitCodes() {
  const auto of = [](ErrorKind kind, const char* brief, const char* meaning, const char* next) {
    return ExitCode{std::to_string(exitCodeOf(kind)), brief, meaning, next};
  };
  return {
      {"0", "done", "done", ""},
      {"1", "", "`bench` only: a job was lost or done twice, so there are no figures",
       "run it again; if it stays, keep the store's directory and report it"},
      of(ErrorKind::usage, "wrong command line", "the command line or call is wrong", "correct it"),
      of(ErrorKind::notFound, "not found", "there is no such store, job, director or file", "name another"),
      of(ErrorKind::invalid, "refused input",
         "it was understood and refused: a name, a payload, a limit, the state of a job", "change the input"),
      of(ErrorKind::corrupt, "damaged store", "the store or a record in it is damaged",
         "keep a copy, restore a backup"),
      of(ErrorKind::unavailable, "not now", "not now; the outcome may be unknown",
         "look, then repeat with the same ids"),
      of(ErrorKind::storeFull, "full", "the map or the disk is full; what frees space still works", "make room"),
      of(ErrorKind::io, "input or output", "the operating system refused", "see the reason in the sentence"),
      of(ErrorKind::conflict, "somebody else holds it", "somebody else holds what was asked for",
         "wait for them, or choose another name"),
      of(ErrorKind::fenced, "fenced", "a daemon was fenced for good; its work goes on elsewhere", "start it again"),
      of(ErrorKind::permission, "no permission", "another user's store, or one that is open to others",
         "run as its owner, close it"),
      of(ErrorKind::unsupported, "unsupported",
         "a newer or foreign store, an unknown filesystem, another PID namespace", "upgrade, or another place"),
      {"128 + n", "",
       "ended by signal n: `wait` and `watch` by any, `run-task` by a second one, a daemon by a second TERM (143) or "
       "INT "
       "(130), or by the first one while it waits for the store at its start",
       ""},
  };
}

std::string exitCodesText() {
  constexpr std::size_t columns = 119;
  std::string text;
  std::string line = "Exit codes:";
  for (const ExitCode& code : exitCodes()) {
    if (code.brief.empty()) continue;
    const std::string item = fmt::format(" {} {},", code.code, code.brief);
    if (line.size() + item.size() > columns) {
      text += line + "\n";
      line = item.substr(1);
    } else {
      line += item;
    }
  }
  line.back() = '.';
  return text + line + "\n";
}

}  // namespace v1
}  // namespace callsheet
