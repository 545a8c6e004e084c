#include "shim/status_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "shim/clocks.h"
#include "shim/line.h"

namespace callsheet {
inline namespace v1 {

namespace {

using Text = Line<2048>;

void addTime(Text& text, std::int64_t micros) {
  const time_t seconds = micros / 1'000'000;
  tm civil{};
  ::gmtime_r(&seconds, &civil);
  text.padded(civil.tm_year + 1900, 4) << "-";
  text.padded(civil.tm_mon + 1, 2) << "-";
  text.padded(civil.tm_mday, 2) << "T";
  text.padded(civil.tm_hour, 2) << ":";
  text.padded(civil.tm_min, 2) << ":";
  text.padded(civil.tm_sec, 2) << ".";
  text.padded(micros % 1'000'000, 6) << "+00:00";
}

std::int64_t exitCodeOf(const TaskSpec& spec, const ShimRecord& record, const TaskProgress& progress) {
  if (record.end == taskEnd::notStarted) return taskCode::exception;
  if (!spec.hasTaskCodes) return record.end == taskEnd::signaled ? 128 + record.code : record.code;
  if (progress.reason == "stopped") return taskCode::canceled;
  if (progress.reason == "time-limit") return taskCode::timeLimit;
  return record.end == taskEnd::exited && record.code == 0 ? taskCode::success : taskCode::exception;
}

void addNumber(Text& text, std::string_view name, std::int64_t number) {
  text << ",\"" << name << "\":" << number;
}
void addWord(Text& text, std::string_view name, std::string_view word) {
  text << ",\"" << name << "\":\"" << word << "\"";
}

std::int64_t millisOf(const timeval& time) {
  return std::int64_t{time.tv_sec} * 1'000 + time.tv_usec / 1'000;
}

Text textOf(const TaskSpec& spec, const ShimRecord& record, const TaskProgress& progress, const OutputFile& output,
            const OutputFile& errors) {
  Text text;
  text << "{\"task_id\":\"" << spec.task << "\"";
  addNumber(text, "process_id", record.leader);
  text << ",\"started_at\":\"";
  addTime(text, progress.startedAt);
  text << "\",\"updated_at\":\"";
  addTime(text, utcMicros());
  if (record.end != taskEnd::none) {
    text << "\",\"finished_at\":\"";
    addTime(text, record.finishedAt);
    text << "\",\"exit_code\":" << exitCodeOf(spec, record, progress);
  } else {
    text << "\"";
  }
  rusage used{};
  ::getrusage(RUSAGE_CHILDREN, &used);
  text << ",\"status\":{\"v\":1";
  addWord(text, "job", spec.job);
  addWord(text, "exec", spec.exec);
  addNumber(text, "attempt", spec.attempt);
  addWord(text, "boot", spec.boot);
  addNumber(text, "shimPid", record.shim);
  addNumber(text, "shimStart", static_cast<std::int64_t>(record.shimStart));
  addNumber(text, "start", static_cast<std::int64_t>(record.leaderStart));
  addWord(text, "state", progress.state);
  addWord(text, "reason", progress.reason);
  addWord(text, "end", record.end);
  addNumber(text, "code", record.code);
  addNumber(text, "durationMs", progress.durationMillis);
  addNumber(text, "graceMs", spec.graceMillis);
  addNumber(text, "userMs", millisOf(used.ru_utime));
  addNumber(text, "systemMs", millisOf(used.ru_stime));
  addNumber(text, "maxRssKib", used.ru_maxrss);
  addNumber(text, "outputBytes", static_cast<std::int64_t>(output.total()));
  addNumber(text, "outputCut", static_cast<std::int64_t>(output.cut()));
  addNumber(text, "outputLost", static_cast<std::int64_t>(output.lost()));
  // Where a reader is who finds the files renamed.
  addNumber(text, "outputInode", static_cast<std::int64_t>(output.inode()));
  addNumber(text, "outputStart", static_cast<std::int64_t>(output.start()));
  addNumber(text, "errorsInode", static_cast<std::int64_t>(errors.inode()));
  addNumber(text, "errorsStart", static_cast<std::int64_t>(errors.start()));
  text << "}}\n";
  return text;
}

}  // namespace

bool writeStatusFile(int directory, const TaskSpec& spec, const ShimRecord& record, const TaskProgress& progress,
                     const OutputFile& output, const OutputFile& errors, bool isDurable) {
  const Text text = textOf(spec, record, progress, output, errors);
  Name<64> name;
  name << spec.task << taskFile::statusEnding;
  Name<64> fresh;
  fresh << "." << spec.task << taskFile::statusEnding << ".new";
  const int file = ::openat(directory, fresh.zeroed(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return false;
  const ssize_t size = ::write(file, text.data(), text.size());
  if (size >= 0 && size != static_cast<ssize_t>(text.size())) errno = ENOSPC;
  bool isWritten = size == static_cast<ssize_t>(text.size()) && (!isDurable || ::fdatasync(file) == 0);
  isWritten = ::close(file) == 0 && isWritten;
  isWritten = isWritten && ::renameat(directory, fresh.data(), directory, name.zeroed()) == 0;
  return isWritten && (!isDurable || ::fsync(directory) == 0);
}

void setStatusFileAside(int directory, const TaskSpec& spec) {
  Name<64> name;
  name << spec.task << taskFile::statusEnding;
  Name<96> before;
  before << spec.task << taskFile::statusEnding << "." << (spec.attempt - 1);
  ::renameat(directory, name.zeroed(), directory, before.zeroed());
}

}  // namespace v1
}  // namespace callsheet
