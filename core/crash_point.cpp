#include "core/crash_point.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace callsheet {
inline namespace v1 {

namespace detail {
std::atomic<bool> crashPointArmed{false};
}  // namespace detail

namespace {

struct Plan {
  std::string name;
  std::atomic<long> passesLeft{1};
};

[[noreturn]] void refuse(const std::string& sentence) {
  std::fprintf(stderr, "callsheet: %s\n", sentence.c_str());
  ::_exit(2);
}

// Read once, before main: a variable that is set later in a running process must not kill it.
Plan* readEnvironment() {
  const char* variable = std::getenv("CALLSHEET_CRASH_AT");
  if (variable == nullptr || *variable == '\0') return nullptr;
  const std::string_view text = variable;
  const std::size_t colon = text.rfind(':');
  static Plan plan;
  plan.name = text.substr(0, colon);
  if (colon != std::string_view::npos) {
    long count = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data() + colon + 1, end, count);
    if (error != std::errc{} || rest != end || count < 1)
      refuse("CALLSHEET_CRASH_AT=" + std::string(text) + ": the count behind ':' must be a number from 1 on");
    plan.passesLeft = count;
  }
  const auto names = crashPointNames();
  if (std::none_of(names.begin(), names.end(), [](const char* known) { return plan.name == known; })) {
    std::string sentence = "CALLSHEET_CRASH_AT names no crash point: '" + plan.name + "'; the names are";
    for (const char* known : names) sentence += std::string(" ") + known;
    refuse(sentence);
  }
  detail::crashPointArmed = true;
  return &plan;
}

Plan* const plan = readEnvironment();

}  // namespace

void detail::passCrashPoint(const char* name) {
  if (plan->name != name) return;
  if (plan->passesLeft.fetch_sub(1) != 1) return;
  ::kill(::getpid(), SIGKILL);
  while (true) ::pause();  // the signal is on its way; nothing behind this point may happen
}

}  // namespace v1
}  // namespace callsheet
