#pragma once
#include <cstdint>
#include <string>

#include "callsheet/fingerprint.h"
#include "core/job_row.h"

// What a job of several steps remembers of them.
namespace callsheet {
inline namespace v1 {

enum class MemoState : std::uint8_t {
  waiting,    ///< a named wait, or the time limit of a step
  succeeded,  ///< `value` is its result
  failed,     ///< `failure` says why; that is a result too, and it is not run again
  pending,    ///< a step that is needed and has not ended; with the next only for people to see, a second late
  running,    ///< a step whose code runs
};
[[nodiscard]] std::string_view toString(MemoState state);

/// One node of a job's tree, or one named wait: stored under (job, fingerprint), a result once.
struct MemoRow {
  Fingerprint id;      ///< the key; not in the body
  Fingerprint parent;  ///< the node that it is an input or a step of; nil: the root, or not known
  std::string label;   ///< what the parent calls it: a member's name, a batch's key
  std::string name;    ///< its kind, or the name of the step
  MemoState state = MemoState::succeeded;
  std::uint32_t attempts = 1;
  std::int64_t storedAt = 0;    ///< UTC us, by the store
  std::int64_t tookMicros = 0;  ///< of the run that made the result
  std::int64_t wakeAt = 0;      ///< UTC us, of a wait; `never`: only its event ends it
  std::string value;            ///< JSON; gone when the job has succeeded
  std::uint32_t valueBytes = 0;
  JobFailure failure;
  bool retryable = true;       ///< whether a retry may run it again
  std::uint32_t waitedBy = 0;  ///< of a wait: the number of the attempt that was last suspended for it, by the store

  template <class Archive>
  void serialize(Archive& archive) {
    archive(parent, label, name, state, attempts, storedAt, tookMicros, wakeAt, value, valueBytes, failure, retryable,
            waitedBy);
  }
  friend bool operator==(const MemoRow&, const MemoRow&) = default;
  [[nodiscard]] bool isFinished() const { return state == MemoState::succeeded || state == MemoState::failed; }
};

}  // namespace v1
}  // namespace callsheet
