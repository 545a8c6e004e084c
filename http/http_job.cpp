#include "http/http_job.h"

#include <nlohmann/json.hpp>

#include "core/names.h"
#include "http/answer_body.h"
#include "http/http_failure.h"
#include "http/http_request.h"
#include "http/request_parameters.h"
#include "jobs/job_output.h"

namespace callsheet {
inline namespace v1 {

namespace {

HttpRequestOut requestFrom(const std::string& text, JobID id) {
  const nlohmann::ordered_json parameters = requestParameters(text, {"body", "text"});
  const auto body = parameters.find("body");
  const auto plain = parameters.find("text");
  const bool hasBody = body != parameters.end();
  const bool hasText = plain != parameters.end();
  if (hasBody && hasText) refuseParameters("body and text exclude each other");
  HttpRequestOut request = requestOf(parameters, hasBody || hasText ? "POST" : "GET", id.toString());
  if (hasBody) {
    request.body = withSecretsIn(*body).dump();
    if (!hasHeader(request, "Content-Type")) request.headers.emplace_back("Content-Type", "application/json");
  } else if (hasText) {
    if (!plain->is_string()) refuseParameters("text must be a text");
    request.body = resolved(plain->get<std::string>());
  }
  return request;
}

std::string run(const std::string& parameters, JobContext& context, const StoreDirectory& store) {
  const HttpRequestOut request = requestFrom(parameters, context.id());
  JobOutput output(store, context.id(), context.attempt());
  AnswerBody body([&](std::string_view text) { output.write(text); });
  const HttpEnd end = exchange(request, body, context.stopToken());
  requireAnswered(end, body.rejection());
  requireSuccess(end, body.excerpt());
  AnswerBody::Result result = body.finish();
  if (!result.trouble.empty()) throw JobError("http", result.trouble, result.mayTryAgain);
  return std::move(result.value);
}

}  // namespace

void addHttpKind(JobTypes& types, const StoreDirectory& store) {
  types.add(httpKind, 1,
            [&store](const std::string& parameters, JobContext& context) { return run(parameters, context, store); });
}

}  // namespace v1
}  // namespace callsheet
