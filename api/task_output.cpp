#include "api/task_output.h"

#include <algorithm>
#include <utility>

#include "api/job_json.h"

namespace callsheet {
inline namespace v1 {

namespace {
// Output rings at once. That a job is over, or has a new attempt, is seen in the store, a moment after the last bytes.
constexpr std::chrono::milliseconds pauseMin{10};
constexpr std::chrono::milliseconds pauseMax{1'000};
}  // namespace

TaskOutput::TaskOutput(EventLoop& loop, JobStore& store, const StoreDirectory& directory, JobID job,
                       const Choice& choice)
    : loop_(loop),
      store_(store),
      directory_(directory),
      job_(job),
      choice_(choice),
      pause_(pauseMin),
      timer_(loop.makeTimer([this] { ring(); })) {
  if (const auto row = store_.peek(job_)) exec_ = row->execID;
  begin();
}

void TaskOutput::begin() {
  watch_ = FdWatch();
  reader_.emplace(directory_, job_, choice_.stream);
  if (choice_.lines) {
    reader_->seekLines(*choice_.lines);
  } else {
    reader_->seek(choice_.offset);
    from_ = choice_.offset;
  }
}

std::optional<std::string> TaskOutput::read(std::size_t bytesMax, std::function<void()> more) {
  // The row first: what was printed before the end that it shows is there when the file is read after it.
  const auto row = choice_.follows ? store_.peek(job_) : std::nullopt;
  if (row && row->execID != exec_ && !row->execID.isNil()) {
    // What the next attempt prints begins anew.
    std::string rest = reader_->read(bytesMax);
    if (!rest.empty()) return rest;
    exec_ = row->execID;
    from_ = 0;
    watch_ = FdWatch();
    reader_.emplace(directory_, job_, choice_.stream);
  }
  // Watched before it is read. Of a task whose directory was not there there was nothing to watch.
  if (choice_.follows && reader_->descriptor() < 0 && reader_->offset() == 0) begin();
  std::string piece;
  do {
    const std::uint64_t at = reader_->offset();
    piece = reader_->read(bytesMax);
    if (piece.empty()) break;
    piece.erase(0, static_cast<std::size_t>(std::min<std::uint64_t>(from_ - std::min(from_, at), piece.size())));
  } while (piece.empty());
  if (!piece.empty()) {
    pause_ = pauseMin;
    return piece;
  }
  if (!row || isOver(*row)) return std::nullopt;
  waitForMore(std::move(more));
  return std::string();
}

void TaskOutput::waitForMore(std::function<void()> more) {
  more_ = std::move(more);
  if (reader_->descriptor() >= 0)
    watch_ = loop_.watchFd(reader_->descriptor(), [this] {
      pause_ = pauseMin;
      ring();
    });
  timer_.once(pause_);
  pause_ = std::min(pause_ * 2, pauseMax);
}

void TaskOutput::ring() {
  // It stays readable until it is read.
  watch_ = FdWatch();
  timer_.cancel();
  if (const auto more = std::exchange(more_, {})) more();
}

}  // namespace v1
}  // namespace callsheet
