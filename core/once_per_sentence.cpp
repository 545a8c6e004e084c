#include "core/once_per_sentence.h"

namespace callsheet {
inline namespace v1 {

namespace {
// Sentences may name ids without end; after so many the log may as well begin anew.
constexpr std::size_t remembered = 256;
}  // namespace

void OncePerSentence::say(LogLevel level, const std::string& sentence) {
  if (!sink_) return;
  {
    const std::lock_guard lock(mutex_);
    if (said_.size() >= remembered) said_.clear();
    if (!said_.insert(sentence).second) return;
  }
  sink_(level, sentence);
}

}  // namespace v1
}  // namespace callsheet
