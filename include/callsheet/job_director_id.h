#pragma once
#include <string>
#include <string_view>

namespace callsheet {
inline namespace v1 {

/// The name of a store within its location: processes that name the same id and location share one store.
class JobDirectorID {
 public:
  /// At most 64 of letters, digits, '.', '_' and '-', not starting with a dot; Error(invalid) otherwise.
  explicit JobDirectorID(std::string_view name);
  [[nodiscard]] const std::string& name() const { return name_; }
  friend bool operator==(const JobDirectorID&, const JobDirectorID&) = default;

 private:
  std::string name_;
};

}  // namespace v1
}  // namespace callsheet
