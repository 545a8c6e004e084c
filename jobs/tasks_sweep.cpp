#include "jobs/tasks_sweep.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

#include "callsheet/errors.h"
#include "core/names.h"
#include "jobs/task_directory.h"
#include "jobs/transfer_report.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::size_t directoriesAtOnce = 1'000;
constexpr std::chrono::seconds patience{2};
constexpr std::uint32_t any = std::numeric_limits<std::uint32_t>::max();

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

/// A task's directory holds files only.
void remove(int tasks, const std::string& name) {
  const Directory entries(::fdopendir(::openat(tasks, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)),
                          &::closedir);
  while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr)
    if (entry->d_name != std::string(".") && entry->d_name != std::string(".."))
      ::unlinkat(::dirfd(entries.get()), entry->d_name, 0);
  ::unlinkat(tasks, name.c_str(), AT_REMOVEDIR);
}

}  // namespace

/// Where it stands among the directories.
struct TasksSweep::Walk {
  Directory entries{nullptr, &::closedir};
};

TasksSweep::TasksSweep(JobStore& store, const StoreDirectory& directory, LogSink log)
    : store_(store),
      directory_(directory),
      log_(std::move(log)),
      walk_(std::make_unique<Walk>()),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

TasksSweep::~TasksSweep() = default;

void TasksSweep::look() {
  const std::lock_guard lock(mutex_);
  isWanted_ = true;
  wanted_.notify_all();
}

void TasksSweep::run(const std::stop_token& stop) {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      if (!wanted_.wait(lock, stop, [this] { return isWanted_; })) return;
      isWanted_ = false;
    }
    try {
      slice(stop);
    } catch (const std::exception& error) {
      if (log_) log_(LogLevel::warning, std::string("what commands left was not swept: ") + error.what());
    }
  }
}

void TasksSweep::slice(const std::stop_token& stop) {
  if (!walk_->entries) {
    const FileDescriptor tasks = openTasks(directory_);
    walk_->entries.reset(::fdopendir(::fcntl(tasks.number(), F_DUPFD_CLOEXEC, 0)));
    if (!walk_->entries) throw systemError("the store's tasks directory cannot be read", errno);
  }
  for (std::size_t looked = 0; looked < directoriesAtOnce && !stop.stop_requested();) {
    const dirent* entry = ::readdir(walk_->entries.get());
    if (entry == nullptr) {
      walk_->entries.reset();
      return;
    }
    const auto job = JobID::parse(entry->d_name);
    if (!job) continue;
    ++looked;
    settle(::dirfd(walk_->entries.get()), *job, stop);
  }
}

void TasksSweep::settle(int tasks, JobID job, const std::stop_token& stop) {
  const auto ended = endedOf(job);
  if (!ended) return;
  const auto directory = TaskDirectory::open(tasks, job);
  if (!directory) return;
  // A start that comes late finds its attempt void.
  if (ended->isGone) directory->makeVoid(any);
  if (directory->isHeld(LockedByte::shim) || directory->isHeld(LockedByte::tree)) {
    const auto why = directory->endLeftovers({ended->before, patience, stop});
    if (why && !stop.stop_requested() && log_) log_(LogLevel::warning, job.toString() + ": " + *why);
    if (why) return;
  }
  if (ended->isCanceledTransfer) {
    if (const auto report = transferReportFrom(directory->result(transferReportBytesMax))) removeFilesOf(*report);
    directory->removeResult();
  }
  if (ended->isGone) remove(tasks, job.toString());
}

std::optional<TasksSweep::Ended> TasksSweep::endedOf(JobID job) {
  try {
    const auto row = store_.peek(job);
    if (!row) return Ended{any, true};
    if (isRunning(*row)) return std::nullopt;
    const bool isCanceledTransfer = row->outcome == JobOutcome::canceled && isTransferKind(row->kind);
    if (row->state == JobState::done && row->isForgotten) return Ended{any, true, isCanceledTransfer};
    return Ended{row->attempt + 1, false, isCanceledTransfer};
  } catch (const Error&) {
    return std::nullopt;  // unreadable: nobody knows what it does
  }
}

}  // namespace v1
}  // namespace callsheet
