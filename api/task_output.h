#pragma once
#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "api/body_source.h"
#include "core/job_store.h"
#include "ipc/event_loop.h"
#include "jobs/output_reader.h"

namespace callsheet {
inline namespace v1 {

/// What a command prints as an answer's body: what is there, and where it is followed what comes, also of later
/// attempts, until the job is over. Holds no more of it than the piece that is sent. See BodySource.
class TaskOutput final : public BodySource {
 public:
  struct Choice {
    OutputReader::Stream stream = OutputReader::Stream::output;
    std::uint64_t offset = 0;          ///< of the first byte, from the first that was printed
    std::optional<std::size_t> lines;  ///< in place of it: only the last ones
    bool follows = false;
  };
  /// Throws Error when a file is there and cannot be read.
  TaskOutput(EventLoop& loop, JobStore& store, const StoreDirectory& directory, JobID job, const Choice& choice);

  [[nodiscard]] std::optional<std::string> read(std::size_t bytesMax, std::function<void()> more) override;
  /// Of the next byte. After a start in front of what is kept, that of the first that is.
  [[nodiscard]] std::uint64_t offset() const { return std::max(reader_->offset(), from_); }

 private:
  void begin();
  void waitForMore(std::function<void()> more);
  void ring();

  EventLoop& loop_;
  JobStore& store_;
  const StoreDirectory& directory_;
  const JobID job_;
  const Choice choice_;
  ExecID exec_;
  std::optional<OutputReader> reader_;
  std::uint64_t from_ = 0;  ///< what is before it, and not printed yet, is not wanted
  std::chrono::milliseconds pause_;
  std::function<void()> more_;
  FdWatch watch_;  // these call back: last
  Timer timer_;
};

}  // namespace v1
}  // namespace callsheet
