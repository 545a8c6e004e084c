#pragma once
#include <cstdint>
#include <string>

namespace callsheet {
inline namespace v1 {

/// A time zone of the system's database, which the date library knows until 2037; behind that it has no summer time.
/// Both ways of telling the time count whole seconds since 1970; the local one as if the place had no offset and no
/// summer time.
class Zone {
 public:
  /// UTC for an empty name. Throws Error(invalid) for one that the system does not know.
  explicit Zone(const std::string& name);

  [[nodiscard]] std::int64_t localOf(std::int64_t utcSeconds) const;
  /// Of a local time that comes twice the first, of one that is left out the end of the gap. So a later local time is
  /// never an earlier instant.
  [[nodiscard]] std::int64_t utcOf(std::int64_t localSeconds) const;

 private:
  const void* zone_ = nullptr;  ///< date::time_zone, which lives as long as the process; null: UTC
};

}  // namespace v1
}  // namespace callsheet
