#include "callsheet/external_job_key.h"

#include "core/names.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::string_view scheme = "callsheet:";
}

std::string ExternalJobKey::toString() const {
  return std::string(scheme) + director + '/' + job.toString() + '/' + wait.toString();
}

std::optional<ExternalJobKey> ExternalJobKey::parse(std::string_view text) {
  if (!text.starts_with(scheme)) return std::nullopt;
  text.remove_prefix(scheme.size());
  const auto first = text.find('/');
  const auto second = first == text.npos ? text.npos : text.find('/', first + 1);
  if (second == text.npos) return std::nullopt;
  const auto job = JobID::parse(text.substr(first + 1, second - first - 1));
  const auto wait = Fingerprint::parse(text.substr(second + 1));
  if (!job || !wait || !isValidName(text.substr(0, first))) return std::nullopt;
  return ExternalJobKey{std::string(text.substr(0, first)), *job, *wait};
}

}  // namespace v1
}  // namespace callsheet
