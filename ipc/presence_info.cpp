#include "ipc/presence_info.h"

#include <unistd.h>

#include <charconv>

#include "callsheet/errors.h"
#include "ipc/process_state.h"

namespace callsheet {
inline namespace v1 {

namespace {

template <class Number>
Number numberIn(std::string_view text) {
  Number number{};
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// The name comes from a caller: a line break in it would forge a line.
std::string oneLine(std::string text) {
  for (char& c : text)
    if (c == '\n' || c == '\r') c = ' ';
  return text;
}

}  // namespace

PresenceInfo PresenceInfo::ofThisProcess(std::string name, std::string role) {
  const auto state = processState(::getpid());
  if (!state) throw Error(ErrorKind::unsupported, "/proc/self/stat cannot be read; Callsheet needs a mounted /proc");
  return PresenceInfo{.name = std::move(name),
                      .role = std::move(role),
                      .pid = ::getpid(),
                      .startTime = state->startTime,
                      .pidNamespace = pidNamespaceInode(),
                      .bootID = currentBootID()};
}

std::string PresenceInfo::toText(IncarnationID incarnation) const {
  return "incarnation=" + incarnation.toString() + "\nname=" + oneLine(name) + "\nrole=" + oneLine(role) +
         "\npid=" + std::to_string(pid) + "\nstartTime=" + std::to_string(startTime) +
         "\npidNamespace=" + std::to_string(pidNamespace) + "\nbootID=" + bootID.toString() + "\n";
}

PresenceInfo PresenceInfo::parse(std::string_view text) {
  PresenceInfo info;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, equals);
    const std::string_view value = line.substr(equals + 1);
    if (key == "name") info.name = value;
    if (key == "role") info.role = value;
    if (key == "pid") info.pid = numberIn<pid_t>(value);
    if (key == "startTime") info.startTime = numberIn<std::uint64_t>(value);
    if (key == "pidNamespace") info.pidNamespace = numberIn<std::uint64_t>(value);
    if (key == "bootID") info.bootID = Uuid::parse(value).value_or(Uuid{});
  }
  return info;
}

}  // namespace v1
}  // namespace callsheet
