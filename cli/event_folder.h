#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/schedule_row.h"

namespace callsheet {
inline namespace v1 {

/// An event's file as it was read.
struct EventFile {
  std::string file;                  ///< its name below the folder
  std::optional<Schedule> schedule;  ///< nothing for an invalid one
  std::string why;                   ///< then what is wrong with it
};

/// Reads all files of a folder that end in .json, those in folders within it too, by name; of two events of one name
/// the second is invalid. Throws Error when the folder cannot be read, or has more than ten thousand.
[[nodiscard]] std::vector<EventFile> readEvents(const std::string& folder, std::int64_t now);

/// What the files are to be told from what they were before: the places, sizes and times of all of them.
[[nodiscard]] std::string fingerprintOfEvents(const std::string& folder);

}  // namespace v1
}  // namespace callsheet
