#include "jobs/tasks_sweep.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <limits>
#include <memory>

#include "callsheet/errors.h"
#include "ipc/file_descriptor.h"
#include "jobs/attempt_lock.h"
#include "jobs/builtin_types.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::size_t filesAtOnce = 1'000;
constexpr std::chrono::seconds patience{2};
// Twice the time that a command has between TERM and KILL.
constexpr std::chrono::seconds attendedAtMost{10};

std::optional<JobID> jobOf(std::string_view file) {
  constexpr std::string_view ending = ".lock";
  if (!file.ends_with(ending)) return std::nullopt;
  return JobID::parse(std::string(file.substr(0, file.size() - ending.size())));
}

}  // namespace

TasksSweep::TasksSweep(JobStore& store, const StoreDirectory& directory, LogSink log)
    : store_(store),
      directory_(directory),
      log_(std::move(log)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

TasksSweep::~TasksSweep() = default;

// So that the thread of a daemon without commands sleeps on.
bool TasksSweep::hasFiles() const {
  const int tasks =
      ::openat(directory_.descriptor(), StoreDirectory::tasks, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (tasks < 0) return true;  // the pass says why
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(tasks), &::closedir);
  while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr)
    if (jobOf(entry->d_name)) return true;
  return false;
}

void TasksSweep::look() {
  if (!hasFiles()) return;
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
      pass(stop);
    } catch (const std::exception& error) {
      if (log_) log_(LogLevel::warning, std::string("what commands left was not swept: ") + error.what());
    }
  }
}

void TasksSweep::pass(const std::stop_token& stop) {
  const int tasks =
      ::openat(directory_.descriptor(), StoreDirectory::tasks, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (tasks < 0) throw systemError("the store's tasks directory cannot be opened", errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(tasks), &::closedir);
  std::size_t settled = 0;
  while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr) {
    if (stop.stop_requested()) return;
    const std::string name = entry->d_name;
    const auto job = jobOf(name);
    if (!job) continue;
    const Reach reach = reachOf(*job);
    if (reach == Reach::nothing) {
      attendedSince_.erase(name);
      continue;
    }
    if (++settled > filesAtOnce) return look();
    settle(tasks, name, reach, stop);
  }
}

void TasksSweep::settle(int tasks, const std::string& name, Reach reach, const std::stop_token& stop) {
  AttemptLock::Request request{std::numeric_limits<std::uint32_t>::max(), patience, stop, true};
  if (const auto since = attendedSince_.find(name); reach == Reach::everything && since != attendedSince_.end())
    request.sparesAttended = std::chrono::steady_clock::now() < since->second + attendedAtMost;
  const auto answer = AttemptLock::take(tasks, name, request);
  if (!answer.lock) {
    if (answer.isAttended) attendedSince_.try_emplace(name, std::chrono::steady_clock::now());
    if (!answer.isAttended && !stop.stop_requested() && log_) log_(LogLevel::warning, name + ": " + answer.stillHeld);
    return;
  }
  answer.lock->remove();
  attendedSince_.erase(name);
}

TasksSweep::Reach TasksSweep::reachOf(JobID job) {
  std::optional<JobRow> row;
  try {
    row = store_.peek(job);
  } catch (const Error&) {
    return Reach::nothing;  // unreadable: nobody knows what it does
  }
  if (!row || row->state == JobState::done || row->waitingFor == WaitReason::quarantine) return Reach::everything;
  return row->state == JobState::ready || row->state == JobState::waiting ? Reach::untended : Reach::nothing;
}

}  // namespace v1
}  // namespace callsheet
