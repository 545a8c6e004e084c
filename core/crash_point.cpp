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

/// What happens to this process at which pass of which point.
struct Plan {
  int signal = 0;
  std::string name;
  std::atomic<long> passesLeft{0};
};
Plan crash;
Plan stop;

[[noreturn]] void refuse(const std::string& sentence) {
  std::fprintf(stderr, "callsheet: %s\n", sentence.c_str());
  ::_exit(2);
}

void read(const char* variable, int signal, Plan& plan) {
  const char* value = std::getenv(variable);
  if (value == nullptr || *value == '\0') return;
  const std::string_view text = value;
  const std::string given = std::string(variable) + "=" + value;
  const std::size_t colon = text.rfind(':');
  plan.signal = signal;
  plan.name = text.substr(0, colon);
  long count = 1;
  if (colon != std::string_view::npos) {
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data() + colon + 1, end, count);
    if (error != std::errc{} || rest != end || count < 1)
      refuse(given + ": the count behind ':' must be a number from 1 on");
  }
  const auto names = crashPointNames();
  if (std::none_of(names.begin(), names.end(), [&](const char* known) { return plan.name == known; })) {
    std::string sentence = given + " names no crash point; the names are";
    for (const char* known : names) sentence += std::string(" ") + known;
    refuse(sentence);
  }
  plan.passesLeft = count;
  detail::crashPointArmed = true;
}

// Read once, before main: a variable that is set later in a running process must not kill it.
[[maybe_unused]] const bool wasRead = [] {
  read("CALLSHEET_CRASH_AT", SIGKILL, crash);
  read("CALLSHEET_STOP_AT", SIGSTOP, stop);
  return true;
}();

void pass(Plan& plan, const char* name) {
  if (plan.name != name || plan.passesLeft.fetch_sub(1) != 1) return;
  ::raise(plan.signal);  // at this thread, so that it does not get a step further
  while (plan.signal == SIGKILL) ::pause();
}

}  // namespace

void detail::passCrashPoint(const char* name) {
  pass(stop, name);
  pass(crash, name);
}

}  // namespace v1
}  // namespace callsheet
