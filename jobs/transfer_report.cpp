#include "jobs/transfer_report.h"

#include <fcntl.h>
#include <unistd.h>

#include "callsheet/errors.h"
#include "callsheet/json_archive.h"
#include "ipc/ofd_lock.h"

namespace callsheet {
inline namespace v1 {

std::optional<TransferReport> transferReportFrom(const std::string& text) {
  if (text.empty()) return std::nullopt;
  TransferReport report;
  try {
    fromJson(text, report);
  } catch (const Error&) {
    return std::nullopt;
  }
  return report;
}

void removeFilesOf(const TransferReport& report) {
  if (report.files.empty()) return;
  const std::string& name = report.files.back();
  OfdLock locked(
      ForkGuardedDescriptor::open([&] { return ::open(name.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); }));
  if (locked.descriptor() >= 0 && (!locked.tryLock() || !locked.isAt(name))) return;
  for (const std::string& file : report.files) ::unlink(file.c_str());
}

}  // namespace v1
}  // namespace callsheet
