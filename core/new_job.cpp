#include "core/new_job.h"

#include "callsheet/submit_options.h"
#include "core/names.h"

namespace callsheet {
inline namespace v1 {

NewJob newJobOf(std::string_view kind, std::uint32_t version, std::string parameters, const SubmitOptions& options) {
  NewJob job;
  job.id = options.id.isNil() ? makeJobID() : options.id;
  job.kind = kind;
  job.runner = runnerOf(kind);
  job.queue = options.queue;
  job.priority = options.priority;
  job.delayMicros = options.delay.count();
  if (options.keyWindow) job.keyWindowMicros = options.keyWindow->count();
  job.body.kindVersion = version;
  job.body.parameters = std::move(parameters);
  job.body.retry = options.retry;
  job.body.attemptLimitMicros = options.attemptLimit.count();
  job.body.key = options.key.bytes();
  job.body.retryOf = options.retryOf;
  job.body.after = options.after;
  job.body.labels = options.labels;
  if (options.answers) {
    job.body.parent = options.answers->job;
    job.body.answers = options.answers->wait;
  }
  return job;
}

NewJob againOf(const JobRow& row, const JobBody& body) {
  NewJob again;
  again.id = makeJobID();
  again.kind = row.kind;
  again.runner = row.runner;
  again.queue = row.queue;
  again.priority = row.priority;
  again.body = body;
  again.body.key.clear();
  again.body.after.clear();  // it came after them once, and they need not be in the store any more
  again.body.answers = {};   // the wait has had its answer
  again.body.dueAt = 0;
  again.body.retryOf = row.id;
  return again;
}

}  // namespace v1
}  // namespace callsheet
