#include "cli/answers.h"

#include <fmt/format.h>

namespace callsheet {
inline namespace v1 {

namespace {
ErrorKind kindOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::notFound:
      return ErrorKind::notFound;
    case Verdict::conflict:
    case Verdict::duplicate:
      return ErrorKind::conflict;
    case Verdict::fenced:
      return ErrorKind::fenced;
    case Verdict::storeFull:
      return ErrorKind::storeFull;
    case Verdict::corrupt:
      return ErrorKind::corrupt;
    case Verdict::notDone:
    case Verdict::unknown:
      return ErrorKind::unavailable;
    default:
      return ErrorKind::invalid;
  }
}

std::string adviceFor(Verdict verdict) {
  switch (verdict) {
    case Verdict::storeFull:
      return "; free space on the disk, or let retention remove done jobs";
    case Verdict::corrupt:
      return "; `callsheet check` lists what is damaged, restore a backup";
    case Verdict::notDone:
      return "; nothing changed, try again";
    case Verdict::unknown:
      return "; look at it before you try again";
    default:
      return {};
  }
}
}  // namespace

Error errorOf(const Answer& answer, const std::string& subject) {
  std::string why = answer.why;
  if (why.empty()) why = fmt::format("the store answered {}", toString(answer.verdict));
  return {kindOf(answer.verdict), fmt::format("{}: {}{}", subject, why, adviceFor(answer.verdict))};
}

}  // namespace v1
}  // namespace callsheet
