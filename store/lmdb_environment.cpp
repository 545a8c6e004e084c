#include "store/lmdb_environment.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <utility>

#include "callsheet/limits.h"
#include "core/crash_point.h"
#include "core/fork_generation.h"
#include "store/keys.h"
#include "store/lmdb_cursor.h"
#include "store/lmdb_error.h"
#include "store/record.h"

namespace callsheet {
inline namespace v1 {

namespace {

struct EndReading {
  void operator()(MDB_txn* txn) const noexcept { mdb_txn_abort(txn); }
};
using Snapshot = std::unique_ptr<MDB_txn, EndReading>;

}  // namespace

LmdbEnvironment::LmdbEnvironment(const std::string& directory, const Options& options, const Clock& clock)
    : directory_(directory), options_(options), forkGeneration_(forkGeneration()) {
  const std::shared_ptr<void> guard = guardOpening();
  try {
    open(directory, options);
    crashPoint("env.opened");
    openTrees(options.create, clock);
  } catch (...) {
    if (env_ != nullptr) mdb_env_close(env_);
    throw;
  }
}

LmdbEnvironment::~LmdbEnvironment() {
  // A forked child must not touch what it inherited: closing would clear its parent's locks.
  if (isInherited()) return;
  std::shared_ptr<void> guard;
  try {
    guard = guardOpening();
  } catch (const Error&) {
    // Somebody opens or closes it for far too long: what the guard is for is less likely than that.
  }
  if (env_ != nullptr) mdb_env_close(env_);
}

void LmdbEnvironment::open(const std::string& directory, const Options& options) {
  const std::string data = directory + "/data.mdb";
  struct stat status {};
  const bool exists = ::stat(data.c_str(), &status) == 0 && status.st_size > 0;
  if (!exists && !options.create)
    throw Error(ErrorKind::notFound, "there is no store in " + directory + "; a director or `callsheet add` makes one");
  checkLmdb(mdb_env_create(&env_), "make an environment");
  checkLmdb(mdb_env_set_mapsize(env_, options.mapBytes == 0 ? limits::mapBytes : options.mapBytes), "size its map");
  checkLmdb(mdb_env_set_maxdbs(env_, 8), "reserve its trees");
  checkLmdb(mdb_env_set_maxreaders(env_, limits::readersMax), "reserve its readers");
  // Full sync and no WRITEMAP: an answer survives a power cut, and a full disk is an error and not a SIGBUS.
  const int code = mdb_env_open(env_, directory.c_str(), MDB_NOTLS, 0600);
  if (code == MDB_INVALID || code == MDB_VERSION_MISMATCH || code == MDB_CORRUPTED)
    throw Error(ErrorKind::corrupt,
                data + " is not an LMDB file that this program can read; restore a backup or move it away");
  if (code == EACCES)
    throw Error(ErrorKind::permission,
                data + " cannot be opened for writing; run `chmod 600` on it as the store's owner");
  checkLmdb(code, "open its files");
  // LMDB leaves data.mdb open across exec; a started command must not inherit the store.
  int descriptor = -1;
  checkLmdb(mdb_env_get_fd(env_, &descriptor), "name its file");
  if (::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) throw systemError("data.mdb cannot be kept from children", errno);
}

void LmdbEnvironment::openTrees(bool create, const Clock& clock) {
  // Reading first: opening an existing store must not wait for its write lock.
  MDB_txn* txn = nullptr;
  checkLmdb(mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn), "begin reading");
  bool fresh = isEmpty(txn);
  if (fresh) {
    mdb_txn_abort(txn);
    if (!create) throw Error(ErrorKind::notFound, "the store in " + directory_ + " is empty");
    checkLmdb(mdb_txn_begin(env_, nullptr, 0, &txn), "begin a transaction");
    fresh = isEmpty(txn);
  }
  try {
    openTreesIn(txn, fresh, clock);
  } catch (...) {
    mdb_txn_abort(txn);
    throw;
  }
  if (fresh) crashPoint("store.made");
  // Also ends a reading transaction: only so the trees' handles stay valid.
  checkLmdb(mdb_txn_commit(txn), "commit its trees");
}

bool LmdbEnvironment::isEmpty(MDB_txn* txn) {
  MDB_stat main{};
  MDB_dbi unnamed = 0;
  checkLmdb(mdb_dbi_open(txn, nullptr, 0, &unnamed), "open its main tree");
  checkLmdb(mdb_stat(txn, unnamed, &main), "look at its main tree");
  return main.ms_entries == 0;
}

void LmdbEnvironment::openTreesIn(MDB_txn* txn, bool fresh, const Clock& clock) {
  const unsigned flags = fresh ? MDB_CREATE : 0;
  const int codes[] = {mdb_dbi_open(txn, "job", flags, &jobs_), mdb_dbi_open(txn, "part", flags, &parts_),
                       mdb_dbi_open(txn, "index", flags, &index_)};
  const std::string foreign =
      directory_ + " holds an LMDB environment that is not a Callsheet store; choose another place";
  for (const int code : codes) {
    if (code == MDB_NOTFOUND || code == MDB_INCOMPATIBLE) throw Error(ErrorKind::unsupported, foreign);
    checkLmdb(code, "open its trees");
  }
  LmdbCursor cursor(txn, tree(keys::Region::meta));
  std::string_view stored;
  if (fresh) {
    record_ = StoreRecord{storeFormat, "power", clock.now().utcMicros, Uuid::makeV4()};
    std::string bytes;
    encodeRecord(RecordType::meta, keys::storeKey(), record_, bytes);
    cursor.put(keys::storeKey(), bytes);
  } else if (cursor.get(keys::storeKey(), stored)) {
    decodeRecord(RecordType::meta, keys::storeKey(), stored, record_);
  } else {
    throw Error(ErrorKind::unsupported, foreign);
  }
  checkFormat(record_);
}

void LmdbEnvironment::checkFormat(const StoreRecord& record) const {
  if (record.format > storeFormat)
    throw Error(ErrorKind::unsupported, "the store in " + directory_ + " has format " + std::to_string(record.format) +
                                            ", this program knows up to " + std::to_string(storeFormat) +
                                            "; upgrade Callsheet");
}

bool LmdbEnvironment::isInherited() const {
  return forkGeneration() != forkGeneration_;
}

void LmdbEnvironment::checkProcess() const {
  if (isInherited())
    throw Error(ErrorKind::usage, "the store was opened before fork(); a forked child must exec or open nothing");
}

MDB_txn* LmdbEnvironment::begin(unsigned flags, std::shared_lock<std::shared_mutex>& use, const char* doing) {
  for (int tries = 0;; ++tries) {
    MDB_txn* txn = nullptr;
    const int code = env_ == nullptr ? MDB_PANIC : mdb_txn_begin(env_, nullptr, flags, &txn);
    if (code == 0) return txn;
    if ((code != MDB_PANIC && code != MDB_MAP_RESIZED) || tries == 3) throw LmdbError(code, doing);
    use.unlock();
    {
      const std::unique_lock alone(use_);
      if (code == MDB_PANIC)
        reopen();
      else
        checkLmdb(mdb_env_set_mapsize(usable(), 0), "take over the size of its map");
    }
    use.lock();
  }
}

/// With use_ held alone, so that nobody is in a transaction.
void LmdbEnvironment::reopen() {
  MDB_txn* txn = nullptr;
  if (env_ != nullptr && mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn) == 0) {
    mdb_txn_abort(txn);  // somebody else has done it meanwhile
    return;
  }
  const std::shared_ptr<void> guard = guardOpening();
  if (env_ != nullptr) mdb_env_close(std::exchange(env_, nullptr));
  try {
    open(directory_, options_);
    openTrees(false, SystemClock{});
  } catch (...) {
    // Until this succeeds every call answers with an error, and tries again.
    if (env_ != nullptr) mdb_env_close(std::exchange(env_, nullptr));
    throw;
  }
}

MDB_env* LmdbEnvironment::usable() const {
  if (env_ == nullptr) throw LmdbError(MDB_PANIC, "be opened again");
  return env_;
}

void LmdbEnvironment::read(const std::function<void(MDB_txn*)>& body) {
  checkProcess();
  std::shared_lock use(use_);
  const Snapshot snapshot(begin(MDB_RDONLY, use, "begin reading"));
  crashPoint("snapshot.taken");
  body(snapshot.get());
}

void LmdbEnvironment::write(const std::function<void()>& began, const std::function<bool(MDB_txn*)>& body) {
  checkProcess();
  std::shared_lock use(use_);
  MDB_txn* const txn = begin(0, use, "begin writing");
  try {
    crashPoint("commit.locked");
    began();
    if (!body(txn)) return mdb_txn_abort(txn);
  } catch (...) {
    mdb_txn_abort(txn);
    throw;
  }
  const int code = mdb_txn_commit(txn);
  checkLmdb(code == EIO && isFullDisk() ? ENOSPC : code, "commit");
}

/// LMDB says EIO when a write was cut short, which is how a disk gets full. Only while it was a page's write and not
/// the last, the meta page's: after that one the environment is of no use, and the outcome is not known.
bool LmdbEnvironment::isFullDisk() const {
  struct statvfs space {};
  if (::statvfs(directory_.c_str(), &space) != 0 || space.f_bavail * space.f_frsize > (1u << 20)) return false;
  MDB_txn* txn = nullptr;
  if (mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn) != 0) return false;
  mdb_txn_abort(txn);
  return true;
}

LmdbEnvironment::Extent LmdbEnvironment::extent() const {
  MDB_envinfo info{};
  MDB_stat pages{};
  checkLmdb(mdb_env_info(usable(), &info), "describe itself");
  checkLmdb(mdb_env_stat(env_, &pages), "describe its pages");
  return {info.me_mapsize, (info.me_last_pgno + 1) * pages.ms_psize, pages.ms_psize};
}

std::uint64_t LmdbEnvironment::bytesUsed() const {
  checkProcess();
  const std::shared_lock use(use_);
  return extent().usedBytes;
}

std::uint64_t LmdbEnvironment::lastCommit() const {
  checkProcess();
  const std::shared_lock use(use_);
  MDB_envinfo info{};
  checkLmdb(mdb_env_info(usable(), &info), "describe itself");
  return info.me_last_txnid;
}

LmdbEnvironment::Filling LmdbEnvironment::filling() {
  const Extent map = extent();
  Filling filling{map.mapBytes, map.usedBytes};
  const std::uint64_t hardly = map.mapBytes / 8 * 3;
  // What was freed below the highest page stands in LMDB's own table 0, which only a reader may open. While the map is
  // hardly filled nobody needs to know.
  if (filling.takenBytes > hardly) {
    MDB_txn* txn = nullptr;
    checkLmdb(mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn), "begin reading");
    const Snapshot snapshot(txn);
    LmdbCursor(txn, 0).scan({}, [&](std::string_view, std::string_view value) {
      std::size_t count = 0;
      if (value.size() >= sizeof count) std::memcpy(&count, value.data(), sizeof count);
      filling.takenBytes -= std::min<std::uint64_t>(filling.takenBytes, count * map.pageBytes);
      return filling.takenBytes > hardly;
    });
  }
  return filling;
}

int LmdbEnvironment::clearDeadReaders() {
  checkProcess();
  const std::shared_lock use(use_);
  int dead = 0;
  checkLmdb(mdb_reader_check(usable(), &dead), "check its readers");
  return dead;
}

void LmdbEnvironment::forEachReader(const std::function<void(pid_t pid, std::uint64_t snapshot)>& visit) const {
  checkProcess();
  const std::shared_lock use(use_);
  // LMDB gives its table only as lines of text: "pid thread snapshot", below a title; "-" for no snapshot.
  const auto visitLine = [](const char* line, void* context) {
    int pid = 0;
    std::size_t thread = 0;
    std::size_t snapshot = 0;
    if (std::sscanf(line, "%d %zx %zu", &pid, &thread, &snapshot) == 3)
      (*static_cast<const std::function<void(pid_t, std::uint64_t)>*>(context))(pid, snapshot);
    return 0;
  };
  const int code = mdb_reader_list(usable(), visitLine, const_cast<void*>(static_cast<const void*>(&visit)));
  if (code < 0) throw Error(ErrorKind::io, "LMDB cannot list its readers");
}

void LmdbEnvironment::copyTo(int descriptor) {
  // LMDB begins a transaction of its own for this; what could keep one from beginning is cured here.
  read([](MDB_txn*) {});
  const std::shared_lock use(use_);
  checkLmdb(mdb_env_copyfd2(usable(), descriptor, MDB_CP_COMPACT), "copy itself");
}

}  // namespace v1
}  // namespace callsheet
