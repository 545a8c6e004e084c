#pragma once
#include <memory>
#include <mutex>
#include <string>

#include "ipc/store_paths.h"
#include "jobs/task_directory.h"
#include "jobs/task_environment.h"

namespace callsheet {
inline namespace v1 {

/// Commands under a shim of their own each, in directories below the store's `tasks`. Thread-safe.
class ShimEnvironment final : public TaskEnvironment {
 public:
  /// Whether commands get control groups (jobs/task_group.h).
  enum class Groups { whereTheyCanBeHad, none };

  /// The directory must outlive this.
  explicit ShimEnvironment(const StoreDirectory& directory, Groups groups = Groups::whereTheyCanBeHad)
      : directory_(directory), hasGroups_(groups == Groups::whereTheyCanBeHad) {}

  [[nodiscard]] std::variant<RunningTask, TaskFailure> start(const TaskOrder& order,
                                                             const std::stop_token& stop) override;
  [[nodiscard]] FoundTask find(const TaskRef& ref, bool isOfThisBoot) override;
  [[nodiscard]] std::optional<TaskStatus> read(const TaskRef& ref) override;
  [[nodiscard]] std::int64_t lastBeat(const TaskRef& ref) override;
  [[nodiscard]] std::string tail(const TaskRef& ref, std::size_t bytes) override;
  [[nodiscard]] std::string result(const TaskRef& ref, std::size_t bytes) override;
  [[nodiscard]] std::optional<RunningTask> running(const TaskRef& ref) override;
  void signal(const RunningTask& task, TaskSignal signal) override;
  void kill(const TaskRef& ref) override;
  void release(const RunningTask& task) override;

 private:
  [[nodiscard]] int program();
  [[nodiscard]] std::optional<TaskGroup> makeGroup(const TaskDirectory& directory, const TaskRef& ref);

  const StoreDirectory& directory_;
  const bool hasGroups_;
  std::mutex mutex_;
  FileDescriptor program_;  // made with the first command; guarded by mutex_
};

}  // namespace v1
}  // namespace callsheet
