#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/api_store.h"
#include "api/brief_waits.h"
#include "api/periodic_task.h"
#include "api/router.h"
#include "core/worker_pool.h"
#include "ipc/store_paths.h"

namespace callsheet {
inline namespace v1 {

/// `/api/v1/tasks`: scripts that run periodically, in the words of the Governify director, whose clients it serves
/// (docs/scripts.md): errors are `{"code","message"}`. A task is a schedule that its keeper "tasks" keeps. Beside it
/// `/public/director/`, the directory of scripts. Lives on the loop's thread.
class PeriodicTaskRoutes {
 public:
  /// `scripts`: that directory; empty: there is none.
  PeriodicTaskRoutes(const StoreDirectory& directory, EventLoop& loop, ApiStore& store, std::string scripts);
  ~PeriodicTaskRoutes();
  [[nodiscard]] std::vector<Route> routes();
  /// Answers those who wait.
  void stop();

 private:
  using Call = std::shared_ptr<RouteCall>;
  using Handler = void (PeriodicTaskRoutes::*)(const Call&);
  [[nodiscard]] Route route(const char* method, const char* pattern, Handler handler, bool isText = false);

  void list(const Call& call);
  void create(const Call& call);
  void show(const Call& call);
  void update(const Call& call);
  void remove(const Call& call);
  void status(const Call& call);
  void run(const Call& call);
  void act(const Call& call);
  void executions(const Call& call);
  void readScript(const Call& call);

  [[nodiscard]] ScheduleView taskOf(const Call& call);
  [[nodiscard]] std::vector<ScheduleView> allTasks();
  /// Goes on with the task as the file beside its script completes it, where that is needed.
  void withTwin(const Call& call, PeriodicTask task, std::function<void(PeriodicTask)> goOn);
  void put(const Call& call, const std::optional<ScheduleView>& known, PeriodicTask task,
           std::function<void(const ScheduleView&)> answer);
  void setRunning(const Call& call, const ScheduleView& view, bool isRunning);
  void answerResult(const Call& call, const std::string& task, JobID id);
  [[nodiscard]] Json executionJson(const JobView& job);

  struct Link;
  const StoreDirectory& directory_;
  EventLoop& loop_;
  ApiStore& store_;
  const std::string scripts_;
  BriefWaits waits_;
  const std::shared_ptr<Link> link_;  // with what is being fetched
  WorkerPool fetchers_;               // last: its threads use the rest
};

}  // namespace v1
}  // namespace callsheet
