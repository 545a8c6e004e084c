#include "cli/event_folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "callsheet/errors.h"
#include "callsheet/limits.h"
#include "http/event_file.h"

namespace callsheet {
inline namespace v1 {

namespace {
namespace fs = std::filesystem;

constexpr std::size_t filesMax = 10'000;
constexpr int depthMax = 16;

/// The files, by name.
std::vector<std::string> filesBelow(const std::string& folder) {
  std::vector<std::string> files;
  try {
    const auto options = fs::directory_options::skip_permission_denied;
    for (auto at = fs::recursive_directory_iterator(folder, options); at != fs::end(at); ++at) {
      if (at.depth() >= depthMax) at.disable_recursion_pending();
      std::error_code error;
      if (at->path().extension() != ".json" || !at->is_regular_file(error)) continue;
      files.push_back(at->path().lexically_relative(folder).string());
      if (files.size() > filesMax)
        throw Error(ErrorKind::invalid,
                    "the folder " + folder + " has more than " + std::to_string(filesMax) + " events");
    }
  } catch (const fs::filesystem_error& error) {
    throw systemError("the folder of events " + folder + " cannot be read", error.code().value());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string readFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw systemError("it cannot be read", errno);
  std::string text(limits::payloadBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > limits::payloadBytesMax) throw Error(ErrorKind::invalid, "it has more than a mebibyte");
  return text;
}
}  // namespace

std::vector<EventFile> readEvents(const std::string& folder, std::int64_t now) {
  std::vector<EventFile> events;
  std::map<std::string, std::string> names;
  for (const std::string& file : filesBelow(folder)) {
    EventFile event{file, std::nullopt, {}};
    try {
      Schedule schedule = scheduleOfEvent(readFile(fs::path(folder) / file), file, now);
      const auto [known, isNew] = names.emplace(schedule.name, file);
      if (!isNew)
        throw Error(ErrorKind::invalid, "the event '" + schedule.name + "' is there already, in " + known->second);
      event.schedule = std::move(schedule);
    } catch (const Error& error) {
      event.why = error.what();
    }
    events.push_back(std::move(event));
  }
  return events;
}

std::string fingerprintOfEvents(const std::string& folder) {
  std::string all;
  for (const std::string& file : filesBelow(folder)) {
    struct stat found {};
    if (::stat((fs::path(folder) / file).c_str(), &found) != 0) continue;
    all.append(file).push_back('\0');
    for (const auto number :
         {static_cast<std::int64_t>(found.st_ino), static_cast<std::int64_t>(found.st_size),
          static_cast<std::int64_t>(found.st_mtim.tv_sec), static_cast<std::int64_t>(found.st_mtim.tv_nsec)})
      all.append(std::to_string(number)).push_back(' ');
  }
  return all;
}

}  // namespace v1
}  // namespace callsheet
