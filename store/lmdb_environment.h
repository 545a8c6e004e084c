#pragma once
#include <lmdb.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "store/keys.h"

namespace callsheet {
inline namespace v1 {

/// The record under keys::storeKey(): what this store is. Written once, at creation.
struct StoreRecord {
  std::uint32_t format = 0;
  std::string durability;
  std::int64_t createdAt = 0;
  Uuid storeID;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(format, durability, createdAt, storeID);
  }
};

inline constexpr std::uint32_t storeFormat = 1;

/// One LMDB environment and its trees of rows, opened once a process, and again in its place when LMDB has given it up
/// (MDB_PANIC: the last write of a commit failed). Transactions are function bodies, so none can outlive its call.
/// Thread-safe, but one writer at a time (see CommitQueue). Of no use in a forked child: every call there
/// throws.
class LmdbEnvironment {
 public:
  struct Options {
    bool create = true;
    std::size_t mapBytes = 0;  ///< 0 = limits::mapBytes
    /// What it returns is held round opening and closing: some LMDB versions destroy the shared mutexes at close while
    /// another process opens. Empty: nobody else opens or closes it meanwhile.
    std::function<std::shared_ptr<void>()> guardOpening;
  };

  /// `directory` exists and is ours. Throws Error for a foreign, newer, corrupt or unreadable store.
  LmdbEnvironment(const std::string& directory, const Options& options, const Clock& clock);
  ~LmdbEnvironment();
  LmdbEnvironment(const LmdbEnvironment&) = delete;
  LmdbEnvironment& operator=(const LmdbEnvironment&) = delete;

  /// Where the keys of a region stand. Each tree more is a path more that every commit writes; but what grows at its
  /// end fills its pages only at the end of a tree.
  [[nodiscard]] MDB_dbi tree(keys::Region region) const {
    return region == keys::Region::job ? jobs_ : region == keys::Region::part ? parts_ : index_;
  }
  [[nodiscard]] const StoreRecord& record() const { return record_; }
  /// Bytes of the file up to the highest page ever used.
  [[nodiscard]] std::uint64_t bytesUsed() const;

  /// Runs `body` in a snapshot. Keep it short: a pinned snapshot keeps pages from being used again.
  void read(const std::function<void(MDB_txn*)>& body);
  /// Waits for the machine-wide write lock, runs `began` and `body`, commits. False from `body`, and whatever is
  /// thrown, aborts the transaction.
  void write(const std::function<void()>& began, const std::function<bool(MDB_txn*)>& body);
  /// The number of the last commit, of any process.
  [[nodiscard]] std::uint64_t lastCommit() const;
  /// Frees the slots of readers that died.
  int clearDeadReaders();
  /// The process and the snapshot of each transaction that reads at this moment.
  void forEachReader(const std::function<void(pid_t pid, std::uint64_t snapshot)>& visit) const;
  void copyTo(int descriptor);
  struct Filling {
    std::uint64_t mapBytes = 0;
    std::uint64_t takenBytes = 0;  ///< without what was freed; while the map is hardly filled that may be counted too
  };
  /// How full the last commit left the map. Only from within `write`, whose hold on the environment it uses.
  [[nodiscard]] Filling filling();
  /// Throws when the store has a newer format than this program knows.
  void checkFormat(const StoreRecord& record) const;
  /// Whether this process is a forked child of the one that opened it.
  [[nodiscard]] bool isInherited() const;
  /// Throws in such a child.
  void checkProcess() const;

 private:
  [[nodiscard]] bool isFullDisk() const;
  /// Begins a transaction; first cures what other processes' growing of the map, or a panic, left. `use` is held shared
  /// before and after.
  [[nodiscard]] MDB_txn* begin(unsigned flags, std::shared_lock<std::shared_mutex>& use, const char* doing);
  void reopen();
  /// What LMDB says of its map.
  struct Extent {
    std::uint64_t mapBytes = 0;
    std::uint64_t usedBytes = 0;  ///< up to the highest page ever used
    std::uint64_t pageBytes = 0;
  };
  [[nodiscard]] Extent extent() const;
  /// What is to be held while it is opened or closed, or nothing.
  [[nodiscard]] std::shared_ptr<void> guardOpening() const {
    return options_.guardOpening ? options_.guardOpening() : nullptr;
  }
  /// The environment; throws when it could not be opened again.
  [[nodiscard]] MDB_env* usable() const;
  void open(const std::string& directory, const Options& options);
  void openTrees(bool create, const Clock& clock);
  void openTreesIn(MDB_txn* txn, bool fresh, const Clock& clock);
  [[nodiscard]] static bool isEmpty(MDB_txn* txn);

  mutable std::shared_mutex use_;  // shared by whoever uses env_; alone by who opens it again
  MDB_env* env_ = nullptr;
  MDB_dbi jobs_ = 0;
  MDB_dbi parts_ = 0;
  MDB_dbi index_ = 0;
  StoreRecord record_;
  std::string directory_;
  const Options options_;
  std::uint64_t forkGeneration_;
};

}  // namespace v1
}  // namespace callsheet
