#pragma once
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "callsheet/uuid.h"
#include "ipc/store_paths.h"

namespace callsheet {
inline namespace v1 {

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
/// untouched. Each method is a few loads and stores. beat() and rest() belong to one thread, the writer...() ones to
/// one thread.
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
/// lock-free atomics, made once per boot by whoever opens the store first. Thread-safe. The directory must outlive it.
class Board {
 public:
  static constexpr std::size_t slotCount = 1024;

  /// To be called before a presence is acquired. Throws Error unsupported when the store is in use from another PID
  /// namespace or by another version's layout.
  [[nodiscard]] static Board open(const StoreDirectory& store);

  /// A slot for a director whose presence is held already, or for a process that never has one. Slots of dead ones are
  /// taken over when there is no other. Throws Error unavailable when all are in living hands.
  [[nodiscard]] BoardSlot takeSlot(IncarnationID incarnation, pid_t pid, bool mayBeKilled = true);
  [[nodiscard]] std::vector<BoardEntry> snapshot() const;
  /// Frees the slots of dead incarnations; returns how many. For the principal.
  std::size_t freeDeadSlots();

 private:
  Board(const StoreDirectory& store, std::shared_ptr<detail::BoardMapping> mapping);
  [[nodiscard]] std::size_t freeDeadSlotsLocked();

  const StoreDirectory* store_;
  std::shared_ptr<detail::BoardMapping> mapping_;
};

}  // namespace v1
}  // namespace callsheet
