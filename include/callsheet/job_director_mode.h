#pragma once
#include <string>
#include <string_view>

namespace callsheet {
inline namespace v1 {

/// Which part a director plays. There is one principal a store, and one living assistant a name.
class JobDirectorMode {
 public:
  [[nodiscard]] static JobDirectorMode principal() { return JobDirectorMode({}); }
  /// The name's rules are those of JobDirectorID; Error(invalid) otherwise.
  [[nodiscard]] static JobDirectorMode assistant(std::string_view name);

  [[nodiscard]] bool isPrincipal() const { return name_.empty(); }
  /// Empty for the principal.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  explicit JobDirectorMode(std::string name) : name_(std::move(name)) {}
  std::string name_;
};

}  // namespace v1
}  // namespace callsheet
