#include "cli/session.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "callsheet/errors.h"
#include "cli/terminal.h"
#include "ipc/presence_lock.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::size_t candidatesShown = 5;

std::string homeDirectory() {
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') return home;
  if (const passwd* user = ::getpwuid(::geteuid()); user != nullptr && user->pw_dir != nullptr) return user->pw_dir;
  throw Error(ErrorKind::usage, "this user has no home directory; say with --location where the store is");
}

}  // namespace

std::string defaultLocation() {
  if (::geteuid() == 0) return "/var/lib/callsheet";
  // The XDG rules pass over a relative path.
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/')
    return std::string(state) + "/callsheet";
  return homeDirectory() + "/.local/state/callsheet";
}

StoreAccess& Session::access() {
  return open(false);
}
StoreAccess& Session::accessOrMake() {
  return open(true);
}

StoreAccess& Session::open(bool create) {
  if (!access_) {
    StoreAccess::Options options;
    options.create = create;
    options.allowForeignFilesystem = allowForeignFilesystem;
    options.lookForStoppedWriters = [](LogLevel, std::string_view sentence) { tell(sentence); };
    access_ = StoreAccess::open(location, id, options);
  }
  return *access_;
}

std::vector<IncarnationID> Session::living() {
  std::vector<IncarnationID> living;
  for (const Presence& presence : listPresences(access().directory()))
    if (presence.held) living.push_back(presence.incarnation);
  return living;
}

JobID Session::resolve(const std::string& text) {
  const auto found = store().resolve(text, candidatesShown + 1);
  if (found.size() == 1) return found.front();
  if (found.empty())
    throw Error(ErrorKind::notFound,
                fmt::format("no job is called '{}'; `callsheet list` shows them all", text.substr(0, 64)));
  std::string candidates;
  for (std::size_t i = 0; i < std::min(found.size(), candidatesShown); ++i) candidates += " " + found[i].toString();
  if (found.size() > candidatesShown) candidates += " ...";
  throw Error(ErrorKind::usage,
              fmt::format("'{}' is the beginning of several jobs, give more of the id:{}", text, candidates));
}

std::vector<JobID> Session::resolveAll(const std::vector<std::string>& texts) {
  std::vector<JobID> ids;
  for (const std::string& text : texts) {
    const JobID id = resolve(text);
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  return ids;
}

}  // namespace v1
}  // namespace callsheet
