#include "store/store_backup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "store/store_check.h"

namespace callsheet {
inline namespace v1 {

namespace {
void syncDirectory(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) throw systemError(path + " cannot be opened", errno);
  const int code = ::fsync(descriptor);
  const int reason = errno;
  ::close(descriptor);
  if (code != 0) throw systemError(path + " cannot be synced", reason);
}

void copySynced(LmdbEnvironment& environment, const std::string& file) {
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) throw systemError(file + " cannot be made", errno);
  try {
    environment.copyTo(descriptor);
    // LMDB's copy does not sync, and an unsynced backup is none.
    if (::fsync(descriptor) != 0) throw systemError(file + " cannot be synced", errno);
  } catch (...) {
    ::close(descriptor);
    throw;
  }
  ::close(descriptor);
}
}  // namespace

void backupStore(LmdbEnvironment& environment, const std::string& target, const Clock& clock) {
  namespace fs = std::filesystem;
  fs::path path = fs::absolute(target).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // "DIR/" is DIR
  if (fs::exists(path)) throw Error(ErrorKind::conflict, path.string() + " exists already; name a new directory");
  const fs::path parent = path.parent_path();
  const std::string temporary = path.string() + ".partial-" + Uuid::makeV4().toString().substr(0, 8);
  if (::mkdir(temporary.c_str(), 0700) != 0) throw systemError(temporary + " cannot be made", errno);
  try {
    copySynced(environment, temporary + "/data.mdb");
    {
      LmdbEnvironment copy(temporary, {.create = false, .mapBytes = 0, .guardOpening = {}}, clock);
      const CheckReport report = checkStore(copy);
      if (!report.isClean()) throw Error(ErrorKind::corrupt, "the copy does not check: " + report.problems.front());
    }
    fs::remove(temporary + "/lock.mdb");
    fs::remove(temporary + "/env.open");
    syncDirectory(temporary);
    if (::rename(temporary.c_str(), path.c_str()) != 0)
      throw systemError(path.string() + " cannot be put in place", errno);
    syncDirectory(parent.string());
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw;
  }
}

}  // namespace v1
}  // namespace callsheet
