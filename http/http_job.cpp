#include "http/http_job.h"

#include <nlohmann/json.hpp>

#include "core/names.h"
#include "http/answer_body.h"
#include "http/http_failure.h"
#include "http/http_loop.h"
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

/// An answer on its way, and what people may read of it meanwhile.
struct Answer {
  Answer(const StoreDirectory& store, const DetachedJob& job) : output(store, job.id(), job.attempt()) {}
  JobOutput output;
  AnswerBody body{[this](std::string_view text) { output.write(text); }};
};

std::string resultOf(const HttpEnd& end, AnswerBody& body) {
  requireAnswered(end, body.rejection());
  requireSuccess(end, body.excerpt());
  AnswerBody::Result result = body.finish();
  if (!result.trouble.empty()) throw JobError("http", result.trouble, result.mayTryAgain);
  return std::move(result.value);
}

}  // namespace

void addHttpKind(JobTypes& types, const StoreDirectory& store) {
  types.addDetached(httpKind, 1,
                    [&store, loop = std::make_shared<HttpLoop>()](const std::string& parameters,
                                                                  const std::shared_ptr<DetachedJob>& job) {
                      HttpRequestOut request = requestFrom(parameters, job->id());
                      const auto answer = std::make_shared<Answer>(store, *job);
                      loop->start(std::move(request), {answer, &answer->body}, job->stopToken(),
                                  [answer, job](const HttpEnd& end) {
                                    try {
                                      job->succeed(resultOf(end, answer->body));
                                    } catch (...) {
                                      job->fail(std::current_exception());
                                    }
                                  });
                    });
}

}  // namespace v1
}  // namespace callsheet
