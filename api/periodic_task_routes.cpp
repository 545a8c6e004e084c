#include "api/periodic_task_routes.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "api/job_json.h"
#include "api/query.h"
#include "callsheet/errors.h"
#include "core/clock.h"
#include "core/each_schedule.h"
#include "core/json_payload.h"
#include "core/schedule_changes.h"
#include "http/fetch.h"
#include "jobs/output_reader.h"
#include "jobs/script_file.h"

namespace callsheet {
inline namespace v1 {

namespace {
// Whoever runs a task by hand waits for its result so long; the server gives a request a minute in all.
constexpr std::chrono::seconds runPatience{50};
constexpr std::chrono::seconds twinPatience{10};
constexpr unsigned fetchersMax = 2;
constexpr std::size_t fetchesMax = 64;
constexpr std::size_t logBytes = 16u << 10;
constexpr std::size_t executionsMax = 100;

[[noreturn]] void refuse(int status, const std::string& sentence) {
  throw ApiError(status, "task/refused", sentence);
}

std::int64_t utcNow() {
  return SystemClock().now().utcMicros;
}

Json messageJson(int code, const char* message) {
  return {{"code", code}, {"message", message}};
}

void requireAccepted(const Answer& answer) {
  if (answer.verdict == Verdict::refused) refuse(400, answer.why);
  if (answer.verdict == Verdict::notFound) refuse(404, "Not Found");
  if (answer.verdict == Verdict::conflict) refuse(409, answer.why);
  if (!isAccepted(answer.verdict)) throw errorOf(answer);
}

/// Whether a task has all that was sent.
bool hasAll(const Json& task, const Json& sent) {
  // Whatever the order of their members.
  const nlohmann::json has = task;
  const nlohmann::json wanted = sent;
  for (const auto& [name, value] : wanted.items())
    if (!has.contains(name) || has.at(name) != value) return false;
  return true;
}

/// As a query can name it.
std::string textOf(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

const char* stateOf(const JobRow& row) {
  if (row.state == JobState::inProgress || row.state == JobState::requested) return "RUNNING";
  if (row.state != JobState::done) return "WAITING";
  if (row.outcome == JobOutcome::succeeded) return "SUCCEEDED";
  return row.outcome == JobOutcome::canceled ? "CANCELED" : "FAILED";
}
}  // namespace

/// What a fetch that is under way still knows of the routes. The loop's thread only.
struct PeriodicTaskRoutes::Link {
  bool isStopped = false;
  std::size_t fetches = 0;
};

PeriodicTaskRoutes::PeriodicTaskRoutes(const StoreDirectory& directory, EventLoop& loop, ApiStore& store,
                                       std::string scripts)
    : directory_(directory),
      loop_(loop),
      store_(store),
      scripts_(std::move(scripts)),
      waits_(loop),
      link_(std::make_shared<Link>()),
      fetchers_(fetchersMax) {}

PeriodicTaskRoutes::~PeriodicTaskRoutes() = default;

void PeriodicTaskRoutes::stop() {
  link_->isStopped = true;
  waits_.stop();
}

std::vector<Route> PeriodicTaskRoutes::routes() {
  std::vector<Route> all{route("GET", "/api/v1/tasks", &PeriodicTaskRoutes::list),
                         route("POST", "/api/v1/tasks", &PeriodicTaskRoutes::create),
                         route("GET", "/api/v1/tasks/{id}", &PeriodicTaskRoutes::show),
                         route("PUT", "/api/v1/tasks/{id}", &PeriodicTaskRoutes::update),
                         route("DELETE", "/api/v1/tasks/{id}", &PeriodicTaskRoutes::remove),
                         route("GET", "/api/v1/tasks/{id}/status", &PeriodicTaskRoutes::status),
                         route("POST", "/api/v1/tasks/{id}/status/{action}", &PeriodicTaskRoutes::act),
                         route("PUT", "/api/v1/tasks/{id}/run", &PeriodicTaskRoutes::run, true),
                         route("POST", "/api/v1/tasks/{id}/run", &PeriodicTaskRoutes::run, true),
                         route("GET", "/api/v1/tasks/{id}/executions", &PeriodicTaskRoutes::executions)};
  if (!scripts_.empty()) all.push_back(route("GET", "/public/director/{file+}", &PeriodicTaskRoutes::readScript, true));
  return all;
}

Route PeriodicTaskRoutes::route(const char* method, const char* pattern, Handler handler, bool isText) {
  return {method, pattern, [this, handler](const Call& call) { (this->*handler)(call); }, !isText, ErrorForm::coded};
}

ScheduleView PeriodicTaskRoutes::taskOf(const Call& call) {
  auto view = store_.reads().schedule(call->part(0));
  if (!view || !isPeriodicTask(view->settings)) refuse(404, "Not Found");
  return std::move(*view);
}

std::vector<ScheduleView> PeriodicTaskRoutes::allTasks() {
  std::vector<ScheduleView> tasks;
  forEachSchedule(store_.reads(), [&](ScheduleView& view) {
    if (isPeriodicTask(view.settings)) tasks.push_back(std::move(view));
  });
  return tasks;
}

void PeriodicTaskRoutes::list(const Call& call) {
  Json tasks = Json::array();
  for (const ScheduleView& view : allTasks()) {
    const Json task = periodicTaskJson(view);
    const auto& query = call->request().query;
    const bool fits = std::all_of(query.begin(), query.end(), [&](const auto& filter) {
      return task.contains(filter.first) && textOf(task.at(filter.first)) == filter.second;
    });
    if (fits) tasks.push_back(task);
  }
  call->answer(200, tasks);
}

void PeriodicTaskRoutes::show(const Call& call) {
  call->answer(200, periodicTaskJson(taskOf(call)));
}

void PeriodicTaskRoutes::create(const Call& call) {
  const Json body = call->body();
  PeriodicTask task = periodicTaskFrom(body);
  const bool isKnown = task.id.empty() ? false : store_.reads().schedule(task.id).has_value();
  const auto all = allTasks();
  if (isKnown || std::any_of(all.begin(), all.end(),
                             [&](const ScheduleView& view) { return hasAll(periodicTaskJson(view), body); }))
    refuse(400, "Task already exists");
  if (task.id.empty()) task.id = Uuid::makeV4().toString();
  withTwin(call, std::move(task), [this, call](PeriodicTask whole) {
    put(call, std::nullopt, std::move(whole),
        [call](const ScheduleView& view) { call->answer(200, periodicTaskJson(view)); });
  });
}

void PeriodicTaskRoutes::update(const Call& call) {
  static_cast<void>(taskOf(call));
  PeriodicTask task = periodicTaskFrom(call->body());
  if (!task.id.empty() && task.id != call->part(0)) refuse(400, "the id of a task does not change");
  task.id = call->part(0);
  withTwin(call, std::move(task), [this, call](PeriodicTask whole) {
    // As it is now: it may have been changed while its script's file was fetched.
    put(call, taskOf(call), std::move(whole),
        [call](const ScheduleView&) { call->answer(200, messageJson(201, "Updated")); });
  });
}

void PeriodicTaskRoutes::put(const Call& call, const std::optional<ScheduleView>& known, PeriodicTask task,
                             std::function<void(const ScheduleView&)> answer) {
  const bool isRunning = task.isRunning;
  const std::int64_t now = utcNow();
  Schedule schedule = scheduleOf(std::move(task), now);
  const std::string name = schedule.name;
  PutSchedule verb = putOf(known, std::move(schedule), !isRunning, now);
  verb.cancelsUnstarted = !isRunning;
  store_.post(std::move(verb), [this, call, name, isNew = !known, answer = std::move(answer)](const Answer& said) {
    call->guard([&] {
      if (isNew && said.verdict == Verdict::conflict) refuse(400, "Task already exists");
      requireAccepted(said);
      const auto view = store_.reads().schedule(name);
      if (!view) refuse(404, "Not Found");
      answer(*view);
    });
  });
}

void PeriodicTaskRoutes::withTwin(const Call& call, PeriodicTask task, std::function<void(PeriodicTask)> goOn) {
  if (task.intervalMillis) return goOn(std::move(task));
  const std::string twin = twinOf(task.script);
  if (!isHttpUrl(task.script)) {
    const auto file = scripts_.empty() ? std::nullopt : readScriptFile(scripts_, twin);
    if (file) fillIn(task, Json::parse(*file, nullptr, false));
    return goOn(std::move(task));
  }
  if (link_->fetches == fetchesMax) refuse(503, "too many scripts are being looked for; try again");
  ++link_->fetches;
  fetchers_.post([&loop = loop_, link = link_, call, task = std::move(task), twin, goOn = std::move(goOn)] {
    std::string text;
    try {
      text = fetchText(twin, {.total = twinPatience});
    } catch (const Error&) {
      // Then there is none.
    }
    loop.post([link, call, task, text, goOn] {
      --link->fetches;
      if (link->isStopped) return call->answer(ApiError(503, "task/stopping", "the server ends"));
      call->guard([&] {
        PeriodicTask whole = task;
        if (!text.empty()) fillIn(whole, Json::parse(text, nullptr, false));
        goOn(std::move(whole));
      });
    });
  });
}

void PeriodicTaskRoutes::remove(const Call& call) {
  store_.post(DeleteSchedule{taskOf(call).row.name, 0, true}, [call](const Answer& answer) {
    call->guard([&] {
      requireAccepted(answer);
      call->answer(202, messageJson(202, "Deleted"));
    });
  });
}

void PeriodicTaskRoutes::status(const Call& call) {
  call->answer(200, periodicStatusJson(taskOf(call)));
}

void PeriodicTaskRoutes::act(const Call& call) {
  const ScheduleView view = taskOf(call);
  const std::string& action = call->part(1);
  const bool isRunning = !view.row.isPaused;
  if (action == "start" && isRunning) refuse(400, "Task already running");
  if (action == "stop" && !isRunning) refuse(400, "Task is not running");
  if (action != "start" && action != "stop" && action != "switch") refuse(400, "Action not permitted");
  setRunning(call, view, !isRunning);
}

void PeriodicTaskRoutes::setRunning(const Call& call, const ScheduleView& view, bool isRunning) {
  PutSchedule verb = pauseOf(view, !isRunning, utcNow());
  verb.cancelsUnstarted = !isRunning;
  store_.post(std::move(verb), [call, isRunning](const Answer& answer) {
    call->guard([&] {
      requireAccepted(answer);
      call->answer(200, messageJson(200, isRunning ? "Started" : "Stopped"));
    });
  });
}

void PeriodicTaskRoutes::run(const Call& call) {
  const ScheduleView view = taskOf(call);
  Submit verb;
  verb.jobs.push_back(runOf(view, utcNow()));
  const JobID id = verb.jobs.front().id;
  const std::string name = view.row.name;
  store_.post(std::move(verb), [this, call, id, name](const Submit::Answer& answer) {
    call->guard([&] {
      if (answer.jobs.empty()) throw errorOf(answer);
      requireAccepted({answer.jobs.front().verdict, answer.jobs.front().why});
      waits_.add(runPatience, [this, call, id, name](bool isLast) {
        bool hasAnswered = true;
        call->guard([&] {
          const auto row = store_.reads().peek(id);
          hasAnswered = isLast || !row || isOver(*row);
          if (hasAnswered) answerResult(call, name, id);
        });
        return hasAnswered;
      });
    });
  });
}

void PeriodicTaskRoutes::answerResult(const Call& call, const std::string& task, JobID id) {
  const auto job = store_.reads().find(id);
  if (!job) refuse(500, "task " + task + ": its execution is gone");
  if (!isOver(job->row))
    return call->answer(202, messageJson(202, ("task " + task + " still runs, as job " + id.toString()).c_str()));
  const std::string value = job->result ? job->result->value : std::string();
  if (job->row.outcome != JobOutcome::succeeded) {
    const std::string why = job->result ? job->result->failure.message : "it was canceled";
    // What could not be fetched speaks for itself.
    refuse(500, why.starts_with("Error obtaining: ") ? why : "task " + task + ": " + why);
  }
  const Json result = valueJson(value);
  if (result.is_string()) return call->answerText("text/plain; charset=utf-8", result.get<std::string>());
  call->answer(200, result);
}

Json PeriodicTaskRoutes::executionJson(const JobView& job) {
  const JobRow& row = job.row;
  Json json;
  json["id"] = row.id.toString();
  json["state"] = stateOf(row);
  json["occurrence"] = timeJson(job.body.occurrence);
  json["start"] = timeJson(row.startedAt);
  json["finish"] = timeJson(row.finishedAt);
  json["result"] = row.outcome == JobOutcome::succeeded && job.result ? valueJson(job.result->value) : Json(nullptr);
  json["error"] = row.outcome == JobOutcome::failed && job.result ? Json(job.result->failure.message) : Json(nullptr);
  json["log"] = Json::array();
  try {
    OutputReader reader(directory_, row.id, OutputReader::Stream::output);
    const std::uint64_t size = reader.size();
    reader.seek(size - std::min<std::uint64_t>(size, logBytes));
    std::istringstream lines(replaceInvalidUtf8(reader.read(logBytes)));
    for (std::string line; std::getline(lines, line);) json["log"].push_back(line);
  } catch (const Error&) {
    // Its files went with it.
  }
  return json;
}

void PeriodicTaskRoutes::executions(const Call& call) {
  const ScheduleView view = taskOf(call);
  const Query query(call->request());
  query.allowOnly({"limit", "before"});
  const auto limit = static_cast<std::size_t>(query.integer("limit", 1, executionsMax).value_or(20));
  const auto before = JobID::parse(query.text("before").value_or("00000000-0000-0000-0000-000000000000"));
  if (!before) refuse(400, "before is the id of an execution");
  Json executions = Json::array();
  for (const JobID id : store_.reads().occurrences(view.row.name, *before, limit))
    if (const auto job = store_.reads().find(id)) executions.push_back(executionJson(*job));
  call->answer(200, executions);
}

void PeriodicTaskRoutes::readScript(const Call& call) {
  const std::string& name = call->part(0);
  const auto text = readScriptFile(scripts_, name);
  if (!text) refuse(404, "Not Found");
  const char* type = "text/plain; charset=utf-8";
  if (name.ends_with(".js")) type = "text/javascript; charset=utf-8";
  if (name.ends_with(".json")) type = "application/json";
  call->answerText(type, *text);
}

}  // namespace v1
}  // namespace callsheet
