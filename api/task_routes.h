#pragma once
#include <memory>
#include <vector>

#include "api/api_store.h"
#include "api/brief_waits.h"
#include "api/router.h"
#include "ipc/store_paths.h"
#include "jobs/task_environment.h"

namespace callsheet {
inline namespace v1 {

/// `/v1/tasks`: commands and machines as processes that outlive whoever runs them, in the words of the Tessia task
/// runner (docs/tasks.md), whose clients it serves: so errors are `{"detail"}`, and ids have eight digits. A task is
/// the job of a command, whoever added that. Lives on the loop's thread.
class TaskRoutes {
 public:
  TaskRoutes(const StoreDirectory& directory, EventLoop& loop, ApiStore& store);
  [[nodiscard]] std::vector<Route> routes();
  /// Answers those who wait.
  void stop() { waits_.stop(); }

 private:
  using Call = std::shared_ptr<RouteCall>;
  using Handler = void (TaskRoutes::*)(const Call&);
  [[nodiscard]] Route route(const char* method, const char* pattern, Handler handler, bool isText = false);

  void list(const Call& call);
  void create(const Call& call);
  void show(const Call& call);
  void stopOne(const Call& call);
  void forget(const Call& call);
  void output(const Call& call);

  [[nodiscard]] JobID jobOf(const Call& call);
  [[nodiscard]] JobView viewOf(JobID id);
  void awaitStart(const Call& call, JobID id);
  /// `answer` is given the task once its row is as wanted, or when the patience is over.
  void answerWhen(const Call& call, JobID id, std::chrono::milliseconds patience,
                  std::function<bool(const JobRow&)> isAsWanted, std::function<void(const JobView&)> answer);

  const StoreDirectory& directory_;
  EventLoop& loop_;
  ApiStore& store_;
  const std::unique_ptr<TaskEnvironment> environment_;
  BriefWaits waits_;
};

}  // namespace v1
}  // namespace callsheet
