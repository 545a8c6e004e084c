#include "core/transitions.h"

#include <algorithm>
#include <array>

namespace callsheet {
inline namespace v1 {

namespace {
using enum JobState;

constexpr Transition table[] = {
    {Move::submit, std::nullopt, ready},
    {Move::submitLater, std::nullopt, waiting},
    {Move::promote, waiting, ready},
    {Move::promote, waiting, waiting},
    {Move::request, ready, requested},
    {Move::claim, ready, inProgress},
    {Move::start, requested, inProgress},
    {Move::unclaim, requested, ready},
    {Move::unclaim, inProgress, ready},
    {Move::startTimeOut, requested, ready},
    {Move::succeed, inProgress, done},
    {Move::fail, inProgress, done},
    {Move::retryLater, inProgress, waiting},
    {Move::deadline, inProgress, done},
    {Move::suspend, inProgress, waiting},
    {Move::suspend, inProgress, ready},
    {Move::transfer, requested, ready},
    {Move::transfer, inProgress, ready},
    {Move::holderEnded, requested, ready},
    {Move::holderEnded, inProgress, ready},
    {Move::holderDied, inProgress, waiting},
    {Move::quarantine, inProgress, waiting},
    {Move::cancel, waiting, done},
    {Move::cancel, ready, done},
    {Move::cancel, requested, done},
    {Move::cancel, inProgress, done},
    {Move::cancelRequest, inProgress, inProgress},
    {Move::transferRequest, inProgress, inProgress},
    {Move::adopt, waiting, waiting},
    {Move::adopt, ready, ready},
    {Move::adopt, requested, requested},
    {Move::adopt, inProgress, inProgress},
    {Move::notify, inProgress, inProgress},
    {Move::forget, waiting, waiting},
    {Move::forget, ready, ready},
    {Move::forget, requested, requested},
    {Move::forget, inProgress, inProgress},
    {Move::forget, done, done},
};

constexpr std::array<std::string_view, moveCount> names{
    "submit",         "submit-later",     "promote",      "request",     "claim",       "start",
    "unclaim",        "start-time-out",   "succeed",      "fail",        "retry-later", "deadline",
    "suspend",        "transfer",         "holder-ended", "holder-died", "quarantine",  "cancel",
    "cancel-request", "transfer-request", "adopt",        "notify",      "forget"};
}  // namespace

std::string_view toString(Move move) {
  const auto index = static_cast<std::size_t>(move);
  return index < names.size() ? names[index] : "unknown";
}

std::span<const Transition> transitions() {
  return table;
}

bool isLegal(std::optional<JobState> from, Move move, JobState to) {
  return std::any_of(std::begin(table), std::end(table),
                     [&](const Transition& row) { return row.from == from && row.move == move && row.to == to; });
}

}  // namespace v1
}  // namespace callsheet
