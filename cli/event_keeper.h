#pragma once
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "callsheet/log.h"
#include "core/job_store.h"
#include "core/once_per_sentence.h"

namespace callsheet {
inline namespace v1 {

/// Keeps the schedules of a store as a folder of events says: looks about once a second, on a thread of its own. A file
/// that is half written, or invalid, leaves its schedule as it was.
class EventKeeper {
 public:
  /// The store must outlive it.
  EventKeeper(JobStore& store, std::string folder, LogSink log);
  ~EventKeeper();
  EventKeeper(const EventKeeper&) = delete;
  EventKeeper& operator=(const EventKeeper&) = delete;

 private:
  void run();
  void look();
  void keepAsFilesSay();
  void put(const Schedule& wanted);

  JobStore& store_;
  const std::string folder_;
  const LogSink log_;
  OncePerSentence troubles_;
  std::string seen_;  // of the files, when they were last read
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool isStopping_ = false;  // guarded by mutex_
  std::thread thread_;       // last: it uses all of the above
};

}  // namespace v1
}  // namespace callsheet
