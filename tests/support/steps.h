#pragma once
#include <cstdint>
#include <string>
#include <utility>

#include "core/verbs.h"

// Steps and waits as tests need them, short.
namespace callsheet::tests {

[[nodiscard]] inline Fingerprint fingerprint(std::uint16_t number) {
  Fingerprint id;
  id.value.bytes[0] = 0x5E;
  id.value.bytes[14] = static_cast<std::uint8_t>(number >> 8);
  id.value.bytes[15] = static_cast<std::uint8_t>(number);
  return id;
}

/// A step that gave a value.
[[nodiscard]] inline MemoRow stepOf(std::uint16_t number, std::string value = "1") {
  MemoRow memo;
  memo.id = fingerprint(number);
  memo.name = "step-" + std::to_string(number);
  memo.label = "input";
  memo.tookMicros = 5;
  memo.value = std::move(value);
  return memo;
}

/// A step that failed for good.
[[nodiscard]] inline MemoRow failedStepOf(std::uint16_t number) {
  MemoRow memo = stepOf(number, {});
  memo.state = MemoState::failed;
  memo.failure = {"io", "the disk is gone", "step", "{}"};
  return memo;
}

/// A named wait until a time, or for an event alone.
[[nodiscard]] inline MemoRow waitOf(std::uint16_t number, std::int64_t wakeAt = never) {
  MemoRow memo;
  memo.id = fingerprint(number);
  memo.name = "wait-" + std::to_string(number);
  memo.state = MemoState::waiting;
  memo.wakeAt = wakeAt;
  return memo;
}

/// What a step that has not ended is about.
[[nodiscard]] inline MemoRow openStepOf(std::uint16_t number, MemoState state = MemoState::pending) {
  MemoRow memo = stepOf(number, {});
  memo.state = state;
  memo.tookMicros = 0;
  return memo;
}

[[nodiscard]] inline CompleteExternal completionOf(JobID job, std::uint16_t number, std::string value = "1") {
  return {job, fingerprint(number), std::move(value), {}};
}

}  // namespace callsheet::tests
