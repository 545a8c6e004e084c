#include "core/schedule/zone.h"

#include <date/tz.h>

#include <chrono>
#include <exception>

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

namespace {
namespace tz = date;

const tz::time_zone& zoneAt(const void* zone) {
  return *static_cast<const tz::time_zone*>(zone);
}

std::int64_t secondsOf(tz::sys_seconds time) {
  return time.time_since_epoch().count();
}
}  // namespace

Zone::Zone(const std::string& name) {
  if (name.empty() || name == "UTC") return;
  try {
    zone_ = tz::locate_zone(name);
  } catch (const std::exception&) {
    throw Error(ErrorKind::invalid,
                "there is no time zone '" + name.substr(0, 64) + "'; one is called as Europe/Madrid");
  }
}

std::int64_t Zone::localOf(std::int64_t utcSeconds) const {
  if (zone_ == nullptr) return utcSeconds;
  const tz::sys_seconds time{std::chrono::seconds{utcSeconds}};
  return utcSeconds + zoneAt(zone_).get_info(time).offset.count();
}

std::int64_t Zone::utcOf(std::int64_t localSeconds) const {
  if (zone_ == nullptr) return localSeconds;
  const tz::local_info info = zoneAt(zone_).get_info(tz::local_seconds{std::chrono::seconds{localSeconds}});
  if (info.result == tz::local_info::nonexistent) return secondsOf(info.first.end);
  return localSeconds - info.first.offset.count();
}

}  // namespace v1
}  // namespace callsheet
