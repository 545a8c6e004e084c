#include "http/http_failure.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "callsheet/job_context.h"
#include "core/json_payload.h"

namespace callsheet {
inline namespace v1 {

namespace {
// Who asks for more than that is asked sooner.
constexpr std::chrono::hours retryAfterMax{1};
constexpr int tooManyRequests = 429;
}  // namespace

void requireAnswered(const HttpEnd& end, const std::string& rejection) {
  switch (end.why) {
    case HttpEnd::Why::canceled:
      throw JobCanceled{};
    case HttpEnd::Why::trouble:
      throw JobError("http", end.sentence);
    case HttpEnd::Why::refused:
      throw JobError("http", end.sentence, false);
    case HttpEnd::Why::rejected:
      throw JobError("http", rejection, false);
    case HttpEnd::Why::answered:
      break;
  }
}

bool mayPass(int status) {
  return status == tooManyRequests || status >= 500;
}

void requireSuccess(const HttpEnd& end, std::string_view body) {
  if (end.status >= 200 && end.status < 300) return;
  const std::string excerpt = replaceInvalidUtf8(body.substr(0, excerptBytes));
  const nlohmann::ordered_json left{{"status", end.status}, {"body", excerpt}};
  const JobError error("http", "the answer was " + std::to_string(end.status) + (excerpt.empty() ? "" : ": " + excerpt),
                       mayPass(end.status), left.dump());
  throw error.after(
      std::min<std::chrono::microseconds>(std::chrono::milliseconds(end.retryAfterMillis.value_or(0)), retryAfterMax));
}

}  // namespace v1
}  // namespace callsheet
