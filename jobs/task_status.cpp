#include "jobs/task_status.h"

#include <fcntl.h>
#include <unistd.h>

#include "callsheet/errors.h"
#include "callsheet/json_archive.h"
#include "ipc/file_descriptor.h"
#include "shim/protocol.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::size_t fileBytesMax = 8u << 10;

struct Detail {
  TaskStatus& into;

  template <class Archive>
  void load(Archive& archive) {
    archive(cereal::make_nvp("exec", into.exec), cereal::make_nvp("attempt", into.attempt),
            cereal::make_nvp("state", into.state), cereal::make_nvp("reason", into.reason),
            cereal::make_nvp("end", into.end), cereal::make_nvp("code", into.code),
            cereal::make_nvp("durationMs", into.durationMillis), cereal::make_nvp("graceMs", into.graceMillis),
            cereal::make_nvp("userMs", into.userMillis), cereal::make_nvp("systemMs", into.systemMillis),
            cereal::make_nvp("maxRssKib", into.maxRssKib), cereal::make_nvp("outputBytes", into.outputBytes),
            cereal::make_nvp("outputCut", into.outputCut), cereal::make_nvp("outputLost", into.outputLost),
            cereal::make_nvp("outputInode", into.outputInode), cereal::make_nvp("outputStart", into.outputStart),
            cereal::make_nvp("errorsInode", into.errorsInode), cereal::make_nvp("errorsStart", into.errorsStart));
  }
};

struct File {
  TaskStatus status;

  template <class Archive>
  void load(Archive& archive) {
    std::optional<std::string> finishedAt;
    Detail detail{status};
    archive(cereal::make_nvp("process_id", status.leader), cereal::make_nvp("started_at", status.startedAt),
            cereal::make_nvp("updated_at", status.updatedAt), cereal::make_nvp("finished_at", finishedAt),
            cereal::make_nvp("exit_code", status.exitCode), cereal::make_nvp("status", detail));
    status.finishedAt = std::move(finishedAt).value_or(std::string());
  }
};

}  // namespace

TaskStatus statusOf(const TaskRecord& record) {
  TaskStatus status;
  status.exec = record.exec;
  status.attempt = record.attempt;
  status.leader = record.leader;
  status.state = "exited";
  status.end = record.end;
  status.code = record.code;
  return status;
}

std::optional<TaskStatus> readTaskStatus(int directory, const std::string& task) {
  const std::string name = task + std::string(taskFile::statusEnding);
  const FileDescriptor file(::openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.isOpen()) return std::nullopt;
  std::string text(fileBytesMax, '\0');
  const ssize_t size = ::pread(file.number(), text.data(), text.size(), 0);
  if (size <= 0) return std::nullopt;
  text.resize(static_cast<std::size_t>(size));
  try {
    return fromJson<File>(text).status;
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace v1
}  // namespace callsheet
