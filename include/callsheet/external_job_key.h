#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "callsheet/fingerprint.h"
#include "callsheet/uuid.h"

namespace callsheet {
inline namespace v1 {

/// Names a wait of a job to the world outside: whatever knows it, in any process, can end the wait with
/// JobDirector::complete. As text `callsheet:ID/JOB/WAIT`.
struct ExternalJobKey {
  std::string director;  ///< the JobDirectorID's name: whose store
  JobID job;
  Fingerprint wait;

  [[nodiscard]] std::string toString() const;
  /// Nothing for a text of another form.
  [[nodiscard]] static std::optional<ExternalJobKey> parse(std::string_view text);
  friend bool operator==(const ExternalJobKey&, const ExternalJobKey&) = default;

  template <class Archive>
  std::string save_minimal(const Archive&) const {
    return toString();
  }
  template <class Archive>
  void load_minimal(const Archive&, const std::string& text) {
    *this = parse(text).value_or(ExternalJobKey{});
  }
};

}  // namespace v1
}  // namespace callsheet
