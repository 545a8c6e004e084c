#pragma once
#include <mutex>
#include <set>
#include <string>

#include "callsheet/errors.h"
#include "callsheet/log.h"

namespace callsheet {
inline namespace v1 {

/// A log for what goes wrong again at every look: each distinct sentence is said once. Thread-safe; the sink is called
/// without a lock held.
class OncePerSentence {
 public:
  explicit OncePerSentence(LogSink sink) : sink_(std::move(sink)) {}

  void say(LogLevel level, const std::string& sentence);
  /// Does one part of a look. An Error is said and ends only that part: the next look may find a better world, while an
  /// exception that left a callback of the loop's or the store's thread would end the process. Whether it was done.
  template <class Part>
  bool guard(const char* what, const Part& part) {
    try {
      part();
      return true;
    } catch (const Error& error) {
      say(LogLevel::warning, std::string(what) + " did not succeed and will be tried again: " + error.what());
      return false;
    }
  }

 private:
  const LogSink sink_;
  std::mutex mutex_;
  std::set<std::string> said_;  // guarded by mutex_
};

}  // namespace v1
}  // namespace callsheet
