#pragma once
#include <cstdint>
#include <exception>
#include <stop_token>
#include <string>

#include "callsheet/uuid.h"

namespace callsheet {
inline namespace v1 {

/// A running job that has no thread: for work that an event loop of its own carries out. Whoever began it ends it,
/// once, from any thread; when the last handle is gone before, it has failed. It has no steps and no waits, and is not
/// transferred by itself. Thread-safe.
class DetachedJob {
 public:
  virtual ~DetachedJob() = default;

  [[nodiscard]] virtual JobID id() const = 0;
  [[nodiscard]] virtual ExecID execID() const = 0;
  [[nodiscard]] virtual std::uint32_t attempt() const = 0;
  /// Requested when the job is canceled, the director stops, or the attempt is no longer valid. Callbacks on it must
  /// not end the job themselves: whoever requests may hold a lock.
  [[nodiscard]] virtual std::stop_token stopToken() const = 0;

  /// With its result as JSON; empty: none.
  virtual void succeed(std::string value) = 0;
  /// As if `execute` had thrown that.
  virtual void fail(std::exception_ptr why) = 0;
};

}  // namespace v1
}  // namespace callsheet
