#include "cli/service_notifier.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "ipc/file_descriptor.h"

namespace callsheet {
inline namespace v1 {

namespace {
std::string takeVariable(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

std::uint64_t numberIn(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? number : 0;
}
}  // namespace

ServiceNotifier::ServiceNotifier() : socketPath_(takeVariable("NOTIFY_SOCKET")) {
  const std::uint64_t micros = numberIn(takeVariable("WATCHDOG_USEC"));
  const std::string watched = takeVariable("WATCHDOG_PID");
  // The variables may have been meant for a parent.
  if (micros == 0 || (!watched.empty() && numberIn(watched) != static_cast<std::uint64_t>(::getpid()))) return;
  watchdogPeriod_ = std::max(std::chrono::milliseconds{1}, std::chrono::milliseconds{micros / 2000});
}

void ServiceNotifier::notify(std::string_view lines) const noexcept {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socketPath_.empty() || socketPath_.size() >= sizeof address.sun_path) return;
  if (socketPath_.front() != '/' && socketPath_.front() != '@') return;
  std::memcpy(address.sun_path, socketPath_.data(), socketPath_.size());
  // '@' stands for the zero byte that begins the name of an abstract socket, which has no zero at its end.
  const bool abstract = socketPath_.front() == '@';
  if (abstract) address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socketPath_.size() + (abstract ? 0 : 1));
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.isOpen()) return;
  ::sendto(socket.number(), lines.data(), lines.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
           length);
}

}  // namespace v1
}  // namespace callsheet
