#pragma once
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "callsheet/uuid.h"
#include "ipc/linger.h"
#include "ipc/store_paths.h"

namespace callsheet {
inline namespace v1 {

class BoardExchange;

namespace detail {
class BoardMapping;
struct BoardSlotBytes;
}  // namespace detail

/// Where a director stands with LMDB's write lock.
enum class WriterState : std::uint8_t { idle, wants, writing };

/// One taken slot as it was at one moment. Hints only: the lock and the store decide.
struct BoardEntry {
  IncarnationID incarnation;
  pid_t pid = 0;
  std::uint64_t startTime = 0;     ///< of the process, as in /proc/PID/stat
  std::uint64_t sequence = 0;      ///< grows with every beat and rest
  std::int64_t beatBootNanos = 0;  ///< nowNanos() of the last beat; 0: it owes no beats
  WriterState writerState = WriterState::idle;
  std::uint64_t writerSequence = 0;       ///< grows with every change of writerState
  std::int64_t writerBeganBootNanos = 0;  ///< nowNanos() when it began to write
  bool mayBeKilled = true;                ///< when it stands stopped in a write

  friend bool operator==(const BoardEntry&, const BoardEntry&) = default;
};

/// A director's own line on the board; given back when destroyed (before the presence is), and in a forked child
/// untouched. Each method is a few loads and stores. beat() and rest() belong to one thread; of the writer...() ones
/// one runs at a time.
class BoardSlot {
 public:
  BoardSlot(BoardSlot&& other) noexcept;
  BoardSlot& operator=(BoardSlot&& other) noexcept;
  ~BoardSlot();

  /// "My loop turns." To be called at least a few times a lease while there is an attempt or a ready job.
  void beat() noexcept;
  /// "I have nothing to do": owes no beats until the next beat().
  void rest() noexcept;
  void writerWants() noexcept;    ///< before begin
  void writerBegan() noexcept;    ///< the write lock is ours
  void writerCleared() noexcept;  ///< after commit or abort

 private:
  friend class Board;
  BoardSlot(std::shared_ptr<detail::BoardMapping> mapping, detail::BoardSlotBytes* bytes);
  void release() noexcept;
  [[nodiscard]] bool isUsable() const noexcept;
  void setWriter(WriterState state) noexcept;

  std::shared_ptr<detail::BoardMapping> mapping_;
  detail::BoardSlotBytes* bytes_;
  std::uint64_t uuidHigh_;  // whose slot it was when it was taken
  std::uint64_t uuidLow_;
  std::uint64_t forkGeneration_;
};

/// The sheet of mapped memory at run/board where directors show their loop turning and who writes: 1,024 slots of
/// lock-free atomics, made once per boot by whoever writes or directs first. Thread-safe, but for tryAgain() and
/// takeSlotIfAny() on a blank one. The directory must outlive it.
class Board {
 public:
  static constexpr std::size_t slotCount = 1024;

  /// To be called before a presence is acquired. Throws Error unsupported when the store is in use from another PID
  /// namespace or by another version's layout.
  [[nodiscard]] static Board open(const StoreDirectory& store);
  /// The same, but without room for one on the disk, or in time, it is a blank one: nobody is seen on it, and slots of
  /// it show nothing. tryAgain() makes good for that later.
  [[nodiscard]] static Board openIfPossible(const StoreDirectory& store);
  [[nodiscard]] bool isBlank() const { return mapping_ == nullptr; }
  /// Whether it is not, or no longer, blank.
  bool tryAgain();

  /// Throws what open() throws for a store that is in use from another PID namespace or by another version. Makes
  /// nothing and waits for nobody, so that it is for whoever only reads.
  static void requireUsable(const StoreDirectory& store);

  /// A slot for a director whose presence is held already, or for a process that never has one. Slots of dead ones are
  /// taken over when there is no other. Throws Error unavailable when all are in living hands, or it is blank.
  [[nodiscard]] BoardSlot takeSlot(IncarnationID incarnation, pid_t pid, bool mayBeKilled = true);
  /// The same, but nothing when there is none to be had now.
  [[nodiscard]] std::optional<BoardSlot> takeSlotIfAny(IncarnationID incarnation, pid_t pid, bool mayBeKilled = true);
  /// A place where the process of `slot` asks others for commits and applies what they ask for; nothing when there is
  /// none to be had now. As a leader it waits for others for at most `lingerMax` nanoseconds.
  [[nodiscard]] std::unique_ptr<BoardExchange> takePlaceIfAny(const BoardSlot& slot,
                                                              std::int64_t lingerMax = Linger::usualMax);
  [[nodiscard]] std::vector<BoardEntry> snapshot() const;
  /// Frees the slots of dead incarnations; returns how many. For the principal.
  std::size_t freeDeadSlots();

 private:
  Board(const StoreDirectory& store, std::shared_ptr<detail::BoardMapping> mapping);
  [[nodiscard]] std::size_t freeDeadSlotsLocked();
  [[nodiscard]] std::unique_ptr<BoardExchange> takePlace(const BoardSlot& slot, std::int64_t lingerMax);

  const StoreDirectory* store_;
  std::shared_ptr<detail::BoardMapping> mapping_;
};

}  // namespace v1
}  // namespace callsheet
