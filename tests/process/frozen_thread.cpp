// Stands in for whatever makes one thread of a daemon stand still while the others go on: code that blocks, a disk that
// does not answer.
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "tests/support/process_role.h"

namespace callsheet::tests {

namespace {
/// Stops one thread of another process until this one is killed. Exits with 77 when that is not allowed here.
const RoleRegistration freezesThread("freezes-thread", [](RoleChannel& channel) {
  const pid_t thread = std::stoi(channel.argument("thread"));
  if (::ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0) return 77;
  if (::ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) != 0) return 1;
  if (::waitpid(thread, nullptr, __WALL) != thread) return 1;
  for (;;) ::pause();
});
}  // namespace

}  // namespace callsheet::tests
