#include "ipc/presence_lock.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <memory>

#include "callsheet/errors.h"
#include "core/crash_point.h"
#include "core/fork_generation.h"
#include "ipc/doorbell.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::string_view suffix = ".lock";
constexpr std::string_view temporaryPrefix = ".new-";

std::string below(std::string_view name) {
  return std::string(StoreDirectory::presences) + "/" + std::string(name);
}
std::string finalPath(IncarnationID incarnation) {
  return below(incarnation.toString() + std::string(suffix));
}

void writeAll(int file, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t written = ::pwrite(file, text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && (errno == ENOSPC || errno == EDQUOT)) {
      // Only the lock proves anything, and who frees space must be able to come. Half a text would name a wrong
      // process.
      static_cast<void>(!::ftruncate(file, 0));
      return;
    }
    if (written < 0) throw systemError("cannot write a presence file", errno);
    done += static_cast<std::size_t>(written);
  }
}

std::string readText(int file) {
  char bytes[4096];
  const ssize_t size = ::pread(file, bytes, sizeof bytes, 0);
  return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
}

// Never a symbolic link, a device or a pipe: what is opened here is a plain file of ours, or nothing. Throws when it
// cannot tell, for "nothing there" means something.
ForkGuardedDescriptor openPlainFile(const StoreDirectory& store, const std::string& path) {
  auto file = ForkGuardedDescriptor::open([&] {
    return ::openat(store.descriptor(), path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  });
  if (!file.isOpen() && errno != ENOENT && errno != ELOOP && errno != ENXIO && errno != EISDIR)
    throw systemError("cannot open " + store.path(path), errno);
  struct stat status {};
  if (file.isOpen() && (::fstat(file.number(), &status) != 0 || !S_ISREG(status.st_mode))) file.close();
  return file;
}

struct NewFile {
  OfdLock lock;
  std::string path;  // temporary
};

NewFile makeFile(const StoreDirectory& store) {
  const std::string path = below(std::string(temporaryPrefix) + Uuid::makeV4().toString());
  auto file = ForkGuardedDescriptor::open([&] {
    return ::openat(store.descriptor(), path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  });
  if (!file.isOpen()) throw systemError("cannot create " + store.path(path), errno);
  ::fchmod(file.number(), 0600);  // whatever the umask took
  return NewFile{OfdLock(std::move(file)), path};
}

// 0, or the errno of the link. A link and not a rename, because a link never replaces what is there.
int giveFinalName(const StoreDirectory& store, const NewFile& file, const std::string& path) {
  const int directory = store.descriptor();
  const int error = ::linkat(directory, file.path.c_str(), directory, path.c_str(), 0) == 0 ? 0 : errno;
  crashPoint("presence.linked");
  ::unlinkat(directory, file.path.c_str(), 0);
  return error;
}

void forEachName(const StoreDirectory& store, const std::function<void(std::string_view)>& visit) {
  const int opened =
      ::openat(store.descriptor(), StoreDirectory::presences, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (opened < 0) throw systemError("cannot list " + store.path(StoreDirectory::presences), errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(opened), ::closedir);
  while (const dirent* entry = ::readdir(directory.get())) visit(entry->d_name);
}

std::optional<IncarnationID> incarnationIn(std::string_view name) {
  if (!name.ends_with(suffix)) return std::nullopt;
  name.remove_suffix(suffix.size());
  return name.size() == 36 ? IncarnationID::parse(name) : std::nullopt;
}

bool hasName(int file) {
  struct stat status {};
  return ::fstat(file, &status) == 0 && status.st_nlink > 0;
}

}  // namespace

PresenceLock PresenceLock::acquire(const StoreDirectory& store, IncarnationID incarnation, const PresenceInfo& info) {
  const std::string path = finalPath(incarnation);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  while (true) {
    NewFile file = makeFile(store);
    writeAll(file.lock.descriptor(), info.toText(incarnation));
    crashPoint("presence.file-made");
    // A principal that tidies up may hold a file that is not locked yet, and remove it: then make another.
    const bool locked = file.lock.tryLock();
    crashPoint("presence.locked");
    const int linkErrno = locked ? giveFinalName(store, file, path) : ENOENT;
    if (linkErrno == 0) return PresenceLock(store, incarnation, std::move(file.lock), forkGeneration());
    if (linkErrno == EEXIST)
      throw Error(ErrorKind::conflict, "incarnation " + incarnation.toString() + " is used already; make a new one");
    if (linkErrno != ENOENT || std::chrono::steady_clock::now() > deadline)
      throw systemError("cannot create " + store.path(path), linkErrno);
  }
}

void PresenceLock::releaseAndUnlink() {
  if (forkGeneration_ != forkGeneration() || !lock_.isHeld()) return;
  ::unlinkat(store_->descriptor(), finalPath(incarnation_).c_str(), 0);
  crashPoint("presence.unlinked");
  lock_ = OfdLock();
}

void DeadPresence::unlink() {
  if (!lock_.isHeld()) return;
  removeBell(*store_, incarnation_);
  ::unlinkat(store_->descriptor(), finalPath(incarnation_).c_str(), 0);
  crashPoint("presence.unlinked");
  lock_ = OfdLock();
}

std::vector<Presence> listPresences(const StoreDirectory& store) {
  std::vector<Presence> found;
  forEachName(store, [&](std::string_view name) {
    const auto incarnation = incarnationIn(name);
    if (!incarnation) return;
    const auto file = openPlainFile(store, below(name));
    if (!file.isOpen()) return;
    const bool held = OfdLock::isLockedByOther(file.number());
    found.push_back(Presence{*incarnation, PresenceInfo::parse(readText(file.number())), held});
  });
  return found;
}

PresenceState presenceStateOf(const StoreDirectory& store, IncarnationID incarnation) {
  const auto file = openPlainFile(store, finalPath(incarnation));
  if (!file.isOpen()) return PresenceState::absent;
  return OfdLock::isLockedByOther(file.number()) ? PresenceState::held : PresenceState::free;
}

std::optional<DeadPresence> tryTakeDead(const StoreDirectory& store, IncarnationID incarnation) {
  OfdLock lock(openPlainFile(store, finalPath(incarnation)));
  if (lock.descriptor() < 0 || !lock.tryLock()) return std::nullopt;
  // Whoever held it before may have unlinked it between our opening and our locking.
  if (!hasName(lock.descriptor())) return std::nullopt;
  crashPoint("presence.dead-taken");
  auto info = PresenceInfo::parse(readText(lock.descriptor()));
  return DeadPresence(store, incarnation, std::move(info), std::move(lock));
}

std::size_t removeAbandonedPresences(const StoreDirectory& store) {
  std::vector<std::string> names;
  forEachName(store, [&](std::string_view name) {
    if (name.starts_with(temporaryPrefix)) names.emplace_back(name);
  });
  std::size_t removed = 0;
  for (const std::string& name : names) {
    OfdLock lock(openPlainFile(store, below(name)));
    if (lock.descriptor() < 0 || !lock.tryLock()) continue;
    if (::unlinkat(store.descriptor(), below(name).c_str(), 0) == 0) ++removed;
  }
  return removed;
}

}  // namespace v1
}  // namespace callsheet
