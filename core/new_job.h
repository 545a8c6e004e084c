#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/job_row.h"

namespace callsheet {
inline namespace v1 {

struct SubmitOptions;

/// A job that is to be made.
struct NewJob {
  JobID id;
  std::string kind;
  Runner runner = Runner::native;
  std::string queue = "default";
  std::int32_t priority = 0;
  std::int64_t delayMicros = 0;      ///< runs not before the store's now + this
  std::int64_t notBeforeMicros = 0;  ///< UTC us; 0 = none. The later of the two counts
  /// How long `body.key` answers `duplicate`, from now, even when the job is done; nothing: as long as the job is kept.
  std::optional<std::int64_t> keyWindowMicros;
  JobBody body;
};

/// A job as the store takes it. The id is made when the options name none.
[[nodiscard]] NewJob newJobOf(std::string_view kind, std::uint32_t version, std::string parameters,
                              const SubmitOptions& options);

/// The same work again, as a new job that begins with what the done one's steps gave. Without the key: it still stands
/// for the former job, and whoever does a job again means it to run.
[[nodiscard]] NewJob againOf(const JobRow& row, const JobBody& body);

}  // namespace v1
}  // namespace callsheet
