#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "callsheet/log.h"

namespace callsheet::tests {

/// Remembers what a director said. Thread-safe; its sinks may outlive it.
class LogKeeper {
 public:
  [[nodiscard]] LogSink sink() const {
    return [state = state_](LogLevel, std::string_view sentence) {
      const std::lock_guard lock(state->mutex);
      state->sentences.emplace_back(sentence);
    };
  }
  [[nodiscard]] unsigned count(std::string_view piece) const {
    const std::lock_guard lock(state_->mutex);
    unsigned found = 0;
    for (const auto& sentence : state_->sentences) found += sentence.find(piece) != std::string::npos ? 1 : 0;
    return found;
  }

 private:
  struct State {
    std::mutex mutex;
    std::vector<std::string> sentences;  // guarded by mutex
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace callsheet::tests
