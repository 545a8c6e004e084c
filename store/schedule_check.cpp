#include "store/schedule_check.h"

#include <set>

namespace callsheet {
inline namespace v1 {

namespace {
using Region = keys::Region;

/// The names of all schedules that have a record in a region.
std::set<std::string> namesIn(LmdbRows& rows, const keys::Key& start) {
  std::set<std::string> names;
  const Region region = keys::regionOf(start.view());
  rows.at(start).scan(start.view(), [&](std::string_view key, std::string_view) {
    if (keys::regionOf(key) != region) return false;
    names.emplace(keys::scheduleOf(key));
    return true;
  });
  return names;
}
}  // namespace

std::size_t checkSchedules(LmdbRows& rows, const std::function<void(const std::string&)>& unreadable,
                           const std::function<void(const std::string&)>& problem) {
  const auto known = namesIn(rows, keys::scheduleKey({}));
  const auto set = namesIn(rows, keys::scheduleSettingsKey({}));
  std::set<DueKey> due;
  rows.scanDue([&](const DueKey& key) {
    due.insert(key);
    return true;
  });
  for (const std::string& name : set)
    if (!known.contains(name)) problem("schedule " + name + ": it is set, and has no row");
  std::size_t places = 0;
  for (const std::string& name : known) {
    try {
      const auto row = rows.schedule(name);
      const auto settings = rows.settingsOf(name);
      if (!settings) problem("schedule " + name + ": a row without settings");
      if (settings && settings->end() != row->end) problem("schedule " + name + ": its row has another end");
      if (row->next <= row->cursor) problem("schedule " + name + ": the next firing lies behind it");
      if (row->dueAt() == never) continue;
      ++places;
      if (!due.contains({row->dueAt(), name})) problem("schedule " + name + ": not in the order of what is due");
    } catch (const Error& error) {
      unreadable(error.what());
    }
  }
  return places;
}

}  // namespace v1
}  // namespace callsheet
