#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "callsheet/job_state.h"

namespace callsheet {
inline namespace v1 {

/// The arrows of the state diagram (docs/architecture.md). A log entry names the move that made it.
enum class Move : std::uint8_t {
  submit,           ///< a new job that may run now
  submitLater,      ///< a new job that is due later
  promote,          ///< what it waited for has come; waits on when it is not due yet
  request,          ///< handed to an executor, which has not started yet
  claim,            ///< handed to a director's own runner, started in the same write
  start,            ///< the executor began
  unclaim,          ///< given back before or while running; counts as nothing
  startTimeOut,     ///< requested, but never started in time
  succeed,          ///< accepted result
  fail,             ///< final failure
  retryLater,       ///< a failure that the retry policy forgives
  deadline,         ///< the attempt's time is over and the retry policy does not forgive it
  suspend,          ///< sleeps or waits for an event; ready at once when that has come meanwhile
  transfer,         ///< handed to the principal by its own wish
  holderEnded,      ///< its holder died, stopped or hung: runs again at once
  holderDied,       ///< its holder died, not for the first time in a row: runs again after a back-off
  quarantine,       ///< too many deaths alone
  cancel,           ///< ended by request
  cancelRequest,    ///< the running attempt is asked to end
  transferRequest,  ///< the running attempt will be transferred, however it ends
  adopt,            ///< now stands in the principal's queue; an attempt that goes on is not disturbed
  notify,           ///< progress, a sign of life
  forget,           ///< nobody wants to see it any more; it goes on all the same
};

inline constexpr std::uint8_t moveCount = static_cast<std::uint8_t>(Move::forget) + 1;

[[nodiscard]] std::string_view toString(Move move);

/// One arrow. `from` is nothing for a job that does not exist yet.
struct Transition {
  Move move;
  std::optional<JobState> from;
  JobState to;
};

/// The one table. What is not in it is illegal.
[[nodiscard]] std::span<const Transition> transitions();
[[nodiscard]] bool isLegal(std::optional<JobState> from, Move move, JobState to);

}  // namespace v1
}  // namespace callsheet
