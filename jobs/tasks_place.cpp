#include "jobs/tasks_place.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "callsheet/errors.h"
#include "ipc/file_descriptor.h"
#include "ipc/write_all.h"

namespace callsheet {
inline namespace v1 {

namespace {

// In the directory, with the path of the store that it serves.
constexpr const char* ownerFile = ".callsheet-tasks";

void makeOurs(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    throw systemError("cannot create " + directory + " for the tasks", errno);
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
    throw Error(ErrorKind::invalid, directory + " is no directory; tasks need one of their own");
  if (status.st_uid != ::geteuid())
    throw Error(ErrorKind::permission, directory + " belongs to another user; tasks need one of their own");
  if ((status.st_mode & 0077) != 0)
    throw Error(ErrorKind::permission,
                directory + " is open to other users; close it with: chmod 700 '" + directory + "'");
}

/// Two stores would take each other's tasks for what is left of jobs that are gone.
void reserve(const StoreDirectory& store, const std::string& directory) {
  const std::string path = directory + "/" + ownerFile;
  const FileDescriptor made(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (made.isOpen() && !writeAll(made.number(), store.dataPath())) throw systemError("cannot write " + path, errno);
  if (made.isOpen()) return;
  if (errno != EEXIST) throw systemError("cannot create " + path, errno);
  std::string owner;
  std::ifstream file(path);
  std::getline(file, owner);
  if (owner != store.dataPath())
    throw Error(ErrorKind::conflict, directory + " holds the tasks of the store " + owner + "; choose another one");
}

}  // namespace

void placeTasks(const StoreDirectory& store, const std::string& directory) {
  const std::string target = std::filesystem::absolute(directory).lexically_normal().string();
  const std::string link = store.path(StoreDirectory::tasks);
  std::error_code error;
  if (std::filesystem::read_symlink(link, error) == target) return;
  makeOurs(target);
  if (!std::filesystem::is_empty(link, error) && !error)
    throw Error(ErrorKind::conflict, link +
                                         " holds what commands left; wait until retention or `callsheet clean` has " +
                                         "removed it, or start without --tasks");
  reserve(store, target);
  // A link takes the place of another at once, but not that of a directory, which whoever looks for it makes anew.
  const std::string fresh = link + ".new";
  ::unlink(fresh.c_str());
  if (::symlink(target.c_str(), fresh.c_str()) != 0) throw systemError("cannot create " + fresh, errno);
  for (int tries = 0; tries < 100; ++tries) {
    if (::rmdir(link.c_str()) != 0 && errno != ENOENT && errno != ENOTDIR) break;
    if (::rename(fresh.c_str(), link.c_str()) == 0) return;
    if (errno != EISDIR && errno != EEXIST && errno != ENOTEMPTY) break;
  }
  const int why = errno;
  ::unlink(fresh.c_str());
  throw systemError("cannot put a link to " + target + " in the place of " + link, why);
}

}  // namespace v1
}  // namespace callsheet
