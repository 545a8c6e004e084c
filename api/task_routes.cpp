#include "api/task_routes.h"

#include <nlohmann/json.hpp>

#include "api/job_json.h"
#include "api/query.h"
#include "api/task_output.h"
#include "api/task_state.h"
#include "callsheet/errors.h"
#include "callsheet/json_archive.h"
#include "callsheet/limits.h"
#include "callsheet/submit_options.h"
#include "core/names.h"
#include "core/new_job.h"
#include "jobs/shim_environment.h"
#include "jobs/task_machine.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::chrono::milliseconds claimPatience{250};  // for a worker; without one it is `created`
constexpr std::chrono::milliseconds startPatience{2'000};
constexpr std::chrono::milliseconds stopPatience{500};
// The loop waits for a listing: of a store with many other jobs it looks at so many of the store's pages at once.
constexpr int pagesAtOnce = 10;

// A client tells by these what it speaks with.
constexpr const char* aboutText =
    R"({"name":"task_runner","apis":[{"root":"/v1","version":"0.0.1","min_version":"0.0.0"}]})";
constexpr const char* successText = R"({"success":true})";
constexpr const char* schemaText = R"({"/":"api root"})";

void answerText(const RouteCall& call, int status, const std::string& json) {
  HttpResponse response;
  response.status = status;
  response.body = json + "\n";
  call.answer(std::move(response));
}

[[noreturn]] void refuse(int status, const std::string& detail) {
  throw ApiError(status, {}, detail);
}

TaskBody bodyOf(const RouteCall& call) {
  try {
    return parseTaskBody(call.body().dump());
  } catch (const ApiError& error) {
    refuse(error.status(), std::string("Task validation failed: ") + error.what());
  } catch (const Error& error) {
    refuse(400, std::string("Task validation failed: ") + error.what());
  }
}

CommandSpec commandOf(const RouteCall& call) {
  const TaskBody body = bodyOf(call);
  try {
    return commandOfTask(body, ownProgram());
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::invalid) refuse(400, error.what());
    throw;
  }
}

/// None of a job that exists already has its short id.
JobID freshID(JobStore& store) {
  for (;;) {
    const JobID id = makeJobID();
    if (store.resolve(shortIDOf(id), 1).empty()) return id;
  }
}

bool isTask(const JobRow& row) {
  return row.kind == commandKind && !row.isForgotten;
}

}  // namespace

TaskRoutes::TaskRoutes(const StoreDirectory& directory, EventLoop& loop, ApiStore& store)
    : directory_(directory),
      loop_(loop),
      store_(store),
      environment_(std::make_unique<ShimEnvironment>(directory)),
      waits_(loop) {}

std::vector<Route> TaskRoutes::routes() {
  const auto fixed = [](const char* method, const char* path, const char* json) {
    return Route{method, path, [json](const Call& call) { answerText(*call, 200, json); }};
  };
  return {fixed("GET", "/", aboutText),
          fixed("GET", "/v1/", successText),
          fixed("GET", "/v1/schema", schemaText),
          route("GET", "/v1/tasks", &TaskRoutes::list),
          route("POST", "/v1/tasks", &TaskRoutes::create),
          route("GET", "/v1/tasks/{id}", &TaskRoutes::show),
          route("DELETE", "/v1/tasks/{id}", &TaskRoutes::forget),
          route("POST", "/v1/tasks/{id}/stop", &TaskRoutes::stopOne),
          route("GET", "/v1/tasks/{id}/output", &TaskRoutes::output, true)};
}

Route TaskRoutes::route(const char* method, const char* pattern, Handler handler, bool isText) {
  return {method, pattern, [this, handler](const Call& call) { (this->*handler)(call); }, !isText, ErrorForm::detail};
}

JobID TaskRoutes::jobOf(const Call& call) {
  const std::string& text = call->part(0);
  std::vector<JobID> tasks;
  for (const JobID id : store_.reads().resolve(text, limits::pageRowsMax))
    if (const auto row = store_.reads().peek(id); row && isTask(*row)) tasks.push_back(id);
  if (tasks.empty()) refuse(404, "There is no task '" + text.substr(0, 64) + "'.");
  if (tasks.size() > 1) refuse(409, "There are several tasks '" + text.substr(0, 64) + "': give more of the id.");
  return tasks.front();
}

JobView TaskRoutes::viewOf(JobID id) {
  auto view = store_.reads().find(id);
  if (!view) refuse(404, "The task " + shortIDOf(id) + " was removed just now.");
  return std::move(*view);
}

void TaskRoutes::list(const Call& call) {
  const Query query(call->request());
  query.allowOnly({"limit", "page"});
  const auto limit =
      static_cast<std::size_t>(query.integer("limit", 1, limits::pageRowsMax).value_or(limits::pageRowsMax));
  JobFilter filter;
  filter.kind = commandKind;
  filter.newestFirst = true;
  std::string next = query.text("page").value_or("");
  std::string body;
  std::size_t count = 0;
  for (int pages = 0; pages < pagesAtOnce && count < limit; ++pages) {
    const JobPage page = store_.reads().list(filter, next, limit - count);
    for (const JobView& listed : page.jobs) {
      // Only the result tells whether one was lost.
      const bool isOfResult = listed.row.outcome == JobOutcome::failed;
      const auto view = isOfResult ? store_.reads().find(listed.row.id) : std::nullopt;
      body.append(count++ == 0 ? "[" : ",").append(taskText(view ? *view : listed));
    }
    next = page.next;
    if (next.empty()) break;
  }
  HttpResponse response;
  response.body = (count == 0 ? "[" : body) + "]\n";
  if (!next.empty()) response.headers.emplace_back("X-Next-Page", next);
  call->answer(std::move(response));
}

void TaskRoutes::create(const Call& call) {
  NewJob job = newJobOf(commandKind, 1, toJson(commandOf(*call)), {});
  const JobID id = freshID(store_.reads());
  job.id = id;
  job.body.retry.maxAttempts = 1;
  Submit verb;
  verb.jobs.push_back(std::move(job));
  store_.post(std::move(verb), [this, call, id](const Submit::Answer& answer) {
    call->guard([&] {
      if (answer.jobs.empty()) throw errorOf(answer);
      const SubmittedJob& made = answer.jobs.front();
      if (made.verdict == Verdict::refused) refuse(400, "Task validation failed: " + made.why);
      if (!isAccepted(made.verdict)) throw errorOf(Answer{made.verdict, made.why});
      awaitStart(call, id);
    });
  });
}

/// Whoever gets "running" can rely on a process; and one that cannot be started is told so at once.
void TaskRoutes::awaitStart(const Call& call, JobID id) {
  const auto claimedUntil = std::chrono::steady_clock::now() + claimPatience;
  const auto isSettled = [this, claimedUntil](const JobRow& row) {
    if (row.state == JobState::done) return true;
    if (row.state != JobState::inProgress) return std::chrono::steady_clock::now() >= claimedUntil;
    // Its first status says that the program runs; before that it may still turn out not to exist.
    try {
      const auto status = environment_->read({row.id, row.execID, row.attempt});
      return status && !status->hasEnded();
    } catch (const Error&) {
      return false;  // what keeps its files from being read keeps it from being started, and the job's end says so
    }
  };
  answerWhen(call, id, startPatience, isSettled, [call](const JobView& task) {
    if (task.row.state == JobState::done && task.result && task.result->failure.type == "spawn")
      refuse(500, "Task " + shortIDOf(task.row.id) + " could not be started: " + task.result->failure.message);
    answerText(*call, 201, taskText(task));
  });
}

void TaskRoutes::answerWhen(const Call& call, JobID id, std::chrono::milliseconds patience,
                            std::function<bool(const JobRow&)> isAsWanted, std::function<void(const JobView&)> answer) {
  const auto look = [this, call, id, isAsWanted = std::move(isAsWanted), answer = std::move(answer)](bool isLast) {
    bool hasAnswered = true;
    call->guard([&] {
      const auto row = store_.reads().peek(id);
      hasAnswered = isLast || !row || isAsWanted(*row);
      if (hasAnswered) answer(viewOf(id));
    });
    return hasAnswered;
  };
  waits_.add(patience, look);
}

void TaskRoutes::show(const Call& call) {
  answerText(*call, 200, taskText(viewOf(jobOf(call))));
}

void TaskRoutes::stopOne(const Call& call) {
  const JobID id = jobOf(call);
  store_.post(Cancel{id, "stopped over the API"}, [this, call, id](const AttemptAnswer& answer) {
    call->guard([&] {
      // What has ended stays as it is.
      if (!isAccepted(answer.verdict) && answer.verdict != Verdict::illegal) throw errorOf(answer);
      answerWhen(
          call, id, stopPatience, [](const JobRow& row) { return isOver(row); },
          [call](const JobView& task) { answerText(*call, 200, taskText(task)); });
    });
  });
}

void TaskRoutes::forget(const Call& call) {
  store_.post(Forget{jobOf(call)}, [call](const AttemptAnswer& answer) {
    call->guard([&] {
      if (answer.verdict == Verdict::notFound) refuse(404, answer.why);
      if (!isAccepted(answer.verdict)) throw errorOf(answer);
      answerText(*call, 200, successText);
    });
  });
}

void TaskRoutes::output(const Call& call) {
  const JobID id = jobOf(call);
  const Query query(call->request());
  query.allowOnly({"offset", "tail", "follow", "stderr"});
  TaskOutput::Choice choice;
  if (query.flag("stderr")) choice.stream = OutputReader::Stream::errors;
  choice.follows = query.flag("follow");
  choice.offset = static_cast<std::uint64_t>(query.integer("offset", 0, INT64_MAX).value_or(0));
  if (const auto lines = query.integer("tail", 0, INT64_MAX)) choice.lines = static_cast<std::size_t>(*lines);
  auto source = std::make_unique<TaskOutput>(loop_, store_.reads(), directory_, id, choice);
  HttpResponse response;
  response.contentType = "text/plain; charset=utf-8";
  response.headers.emplace_back("X-Offset", std::to_string(source->offset()));
  response.source = std::move(source);
  call->answer(std::move(response));
}

}  // namespace v1
}  // namespace callsheet
