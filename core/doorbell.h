#pragma once
#include "callsheet/uuid.h"

namespace callsheet {
inline namespace v1 {

/// The seam for wake-ups: whoever committed rings whom it concerns. Thread-safe; never throws, never blocks.
/// A bell carries no data and may be lost: who is rung reads the store, and everybody also looks now and then unasked.
class Doorbell {
 public:
  virtual ~Doorbell() = default;
  /// One director or executor; a nil incarnation means the principal.
  virtual void ring(IncarnationID incarnation) noexcept = 0;
  virtual void ringPrincipal() noexcept = 0;
  /// Everybody who listens: the principal, all directors and executors, and all observers.
  virtual void ringAll() noexcept = 0;
  /// Only those who watch without owning anything, such as a command that waits for a job.
  virtual void ringObservers() noexcept { ringAll(); }
};

}  // namespace v1
}  // namespace callsheet
