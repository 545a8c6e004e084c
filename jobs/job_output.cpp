#include "jobs/job_output.h"

#include <fcntl.h>
#include <stdio.h>

#include <cerrno>
#include <string>

#include "callsheet/errors.h"
#include "ipc/write_all.h"
#include "jobs/task_directory.h"
#include "shim/protocol.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::uint64_t outputBytesMax = 64u << 20;
}  // namespace

JobOutput::JobOutput(const StoreDirectory& store, JobID job, std::uint32_t attempt) {
  const TaskDirectory directory = TaskDirectory::make(openTasks(store).number(), job);
  const std::string former = std::string(taskFile::output) + "." + std::to_string(attempt - 1);
  // There may be none.
  (void)::renameat(directory.descriptor(), taskFile::output, directory.descriptor(), former.c_str());
  file_ = FileDescriptor(::openat(directory.descriptor(), taskFile::output,
                                  O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file_.isOpen()) throw systemError("the file of a job's output cannot be made", errno);
}

void JobOutput::write(std::string_view text) {
  if (written_ + text.size() > outputBytesMax) return;
  written_ += text.size();
  static_cast<void>(writeAll(file_.number(), text));
}

}  // namespace v1
}  // namespace callsheet
