#include "ipc/store_paths.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <iterator>

#include "callsheet/errors.h"
#include "core/names.h"

namespace callsheet {
inline namespace v1 {

namespace {

// The numbers of linux/magic.h; some of them are missing in older headers.
constexpr unsigned long knownFilesystems[] = {
    0xEF53,      // ext2, ext3, ext4
    0x58465342,  // xfs
    0x9123683E,  // btrfs
    0x01021994,  // tmpfs
    0x794C7630,  // overlayfs
    0x2FC12FC1,  // zfs
    0xF2F52010,  // f2fs
};

FileDescriptor openDirectory(int parent, const std::string& path, int flags) {
  return FileDescriptor(::openat(parent, path.c_str(), O_DIRECTORY | O_CLOEXEC | flags));
}

void requireKnownFilesystem(int directory, const std::string& path, bool allowForeign) {
  if (allowForeign) return;
  struct statfs filesystem {};
  if (::fstatfs(directory, &filesystem) != 0) throw systemError("cannot ask for the filesystem of " + path, errno);
  if (isKnownFilesystem(filesystem.f_type)) return;
  char type[32];
  std::snprintf(type, sizeof type, "0x%lx", static_cast<unsigned long>(filesystem.f_type));
  throw Error(
      ErrorKind::unsupported,
      path + " is on a filesystem of type " + type +
          ", where a store's locks are not known to work; use a local ext4, xfs, btrfs, zfs, f2fs, overlay or tmpfs "
          "directory, or allow foreign filesystems if you know it to be local");
}

void syncDirectory(int parent, const std::string& path) {
  const FileDescriptor directory = openDirectory(parent, path, O_RDONLY);
  if (!directory.isOpen() || ::fsync(directory.number()) != 0)
    throw systemError("cannot make " + path + " durable", errno);
}

// The new name must survive a power cut like the jobs behind it, hence the fsync of the parent.
bool makeDirectory(int parent, const std::string& name, const std::string& parentPath) {
  if (::mkdirat(parent, name.c_str(), 0700) != 0) {
    if (errno == EEXIST) return false;
    throw systemError("cannot create " + parentPath + "/" + name, errno);
  }
  // The umask may have taken bits from us.
  if (::fchmodat(parent, name.c_str(), 0700, 0) != 0)
    throw systemError("cannot open up " + parentPath + "/" + name, errno);
  syncDirectory(AT_FDCWD, parentPath);
  return true;
}

void makeLocation(const std::filesystem::path& location) {
  if (location.empty() || std::filesystem::exists(location)) return;
  makeLocation(location.parent_path());
  makeDirectory(AT_FDCWD, location, location.parent_path());
}

void requireOurs(const struct stat& status, const std::string& path) {
  if (status.st_uid != ::geteuid())
    throw Error(ErrorKind::permission, path + " belongs to user " + std::to_string(status.st_uid) +
                                           ", this process is user " + std::to_string(::geteuid()) +
                                           "; a store is for one user: run as that user, or ask its principal");
  if ((status.st_mode & 0077) != 0)
    throw Error(ErrorKind::permission, path + " is open to other users; close it with: chmod 700 '" + path + "'");
}

enum class Content { empty, store, foreign };

Content contentOf(const FileDescriptor& directory, const std::string& path) {
  // In this order: somebody may be making the store right now, and makes `run` first.
  if (std::filesystem::is_empty(path)) return Content::empty;
  struct stat status {};
  if (::fstatat(directory.number(), "run", &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode))
    return Content::store;
  // A restored backup may be the data alone.
  if (::fstatat(directory.number(), "data.mdb", &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode))
    return Content::store;
  return Content::foreign;
}

Error missingStore(const std::string& path) {
  return Error(ErrorKind::notFound, "there is no store at " + path + "; `callsheet add` or a director would create it");
}

}  // namespace

bool isKnownFilesystem(long type) {
  // f_type is sign-extended where it is narrower than long.
  const auto number = static_cast<unsigned long>(type) & 0xFFFFFFFFul;
  return std::find(std::begin(knownFilesystems), std::end(knownFilesystems), number) != std::end(knownFilesystems);
}

StoreDirectory StoreDirectory::open(const std::string& location, std::string_view id) {
  return open(location, id, Options{});
}

StoreDirectory StoreDirectory::open(const std::string& location, std::string_view id, Options options) {
  try {
    return openChecked(location, id, options);
  } catch (const std::filesystem::filesystem_error& error) {
    throw systemError("cannot open the store " + std::string(id) + " in " + location, error.code().value());
  }
}

StoreDirectory StoreDirectory::openChecked(const std::string& location, std::string_view id, Options options) {
  if (!isValidName(id))
    throw Error(ErrorKind::invalid,
                "'" + std::string(id) +
                    "' cannot name a store; use at most 64 of letters, digits, '.', '_' and '-', not "
                    "starting with a dot");
  const std::string name = std::string(id) + ".callsheet";
  StoreDirectory store;
  store.id_ = id;
  const auto absolute = std::filesystem::absolute(location.empty() ? "." : location).lexically_normal();
  if (options.create) makeLocation(absolute);
  const FileDescriptor parent = openDirectory(AT_FDCWD, absolute, O_PATH);
  if (!parent.isOpen() && errno == ENOENT) throw missingStore(absolute / name);
  if (!parent.isOpen()) throw systemError("cannot open the directory " + absolute.string(), errno);
  requireKnownFilesystem(parent.number(), absolute, options.allowForeignFilesystem);
  store.path_ = std::filesystem::canonical(absolute) / name;

  if (options.create) makeDirectory(parent.number(), name, std::filesystem::canonical(absolute));
  store.directory_ = openDirectory(parent.number(), name, O_PATH | O_NOFOLLOW);
  if (!store.directory_.isOpen() && errno == ENOENT) throw missingStore(store.path_);
  if (!store.directory_.isOpen()) throw systemError("cannot open the store's directory " + store.path_, errno);

  struct stat status {};
  if (::fstat(store.directory_.number(), &status) != 0) throw systemError("cannot look at " + store.path_, errno);
  store.identity_ = Identity{status.st_dev, status.st_ino};
  requireOurs(status, store.path_);
  requireKnownFilesystem(store.directory_.number(), store.path_, options.allowForeignFilesystem);

  const Content content = contentOf(store.directory_, store.path_);
  if (content == Content::foreign)
    throw Error(ErrorKind::invalid,
                store.path_ + " holds something that is not a store; choose another location or id");
  if (content == Content::empty && !options.create) throw missingStore(store.path_);
  for (const char* below : {"run", presences, bells, tasks}) {
    struct stat known {};
    const bool isThere = ::fstatat(store.directory_.number(), below, &known, AT_SYMLINK_NOFOLLOW) == 0;
    // The tasks may have been put elsewhere.
    if (isThere && (S_ISDIR(known.st_mode) || (std::string_view(below) == tasks && S_ISLNK(known.st_mode)))) continue;
    makeDirectory(store.directory_.number(), below, store.path_);
  }
  return store;
}

std::string StoreDirectory::shortPath(std::string_view below) const {
  return "/proc/self/fd/" + std::to_string(directory_.number()) + "/" + std::string(below);
}

}  // namespace v1
}  // namespace callsheet
