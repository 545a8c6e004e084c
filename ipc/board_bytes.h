#pragma once
#include <array>
#include <atomic>
#include <boost/interprocess/mapped_region.hpp>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "ipc/board.h"
#include "ipc/file_descriptor.h"

// The board as it lies in mapped memory, for the two that read and write it: board.cpp and board_exchange.cpp. Whoever
// changes it, or the form of what is exchanged there (store/verb_archive.h), raises layoutVersion: processes of two
// versions must not meet on one board.
namespace callsheet {
inline namespace v1 {
namespace detail {

using Word = std::atomic<std::uint64_t>;
using HalfWord = std::atomic<std::uint32_t>;  // what a futex waits on
static_assert(Word::is_always_lock_free && HalfWord::is_always_lock_free,
              "a lock inside an atomic would live in one process only");

struct alignas(128) BoardHeaderBytes {
  std::uint64_t magic;
  std::uint64_t layoutVersion;
  std::array<std::uint8_t, 16> bootID;
  std::uint64_t pidNamespace;

  friend bool operator==(const BoardHeaderBytes&, const BoardHeaderBytes&) = default;
};

// A slot is free exactly while uuidHigh is 0, and all its other words mean nothing then. It is taken under
// run/board.lock and given back by one store, so a process may be killed anywhere in between.
struct alignas(128) BoardSlotBytes {
  Word uuidHigh;
  Word uuidLow;
  Word pid;
  Word startTime;
  Word sequence;
  Word beatBootNanos;
  Word writerState;
  Word writerSequence;
  Word writerBeganBootNanos;
  Word mustNotBeKilled;
};

// What the processes that share commits have in common. All of it hints but for `state` of a place.
struct alignas(128) ExchangeBytes {
  Word leader;           // 1 + the place of who goes for the write lock, 0: nobody
  Word commitNanos;      // how long a commit takes, as a moving mean
  HalfWord placesUsed;   // places from here on were never taken
  HalfWord arrivals;     // grows with every ask, once it is up
  HalfWord isLingering;  // somebody waits for `arrivals` to grow
};

// Where one process asks. Taken and given back like a slot, by a process that has one.
struct alignas(128) PlaceBytes {
  Word slot;      // 1 + the owner's slot of the board; 0: free
  Word uuidHigh;  // of the owner, as in that slot
  Word uuidLow;
  Word state;       // number of the question << 3 | phase
  Word answerTo;    // number of the question that `answer` belongs to
  Word answeredAt;  // CLOCK_MONOTONIC ns
  Word gapNanos;    // from an answer until the owner wants its next commit, as a moving mean
  HalfWord bell;    // grows with every reason to look at `state` again
  HalfWord requestBytes;
  HalfWord answerBytes;
};

constexpr std::size_t placeCount = 64;
constexpr std::size_t exchangedBytesMax = 256u << 10;

struct alignas(4096) PlacePages {
  std::array<char, exchangedBytesMax> request;  // written by the owner, while nobody may have taken it
  std::array<char, exchangedBytesMax> answer;   // written by who holds the store's write lock
};

struct BoardBytes {
  BoardHeaderBytes header;
  std::array<BoardSlotBytes, Board::slotCount> slots;
  ExchangeBytes exchange;
  std::array<PlaceBytes, placeCount> places;
  std::array<PlacePages, placeCount> pages;  // holes in the file until the place is taken for the first time
};

static_assert(sizeof(BoardSlotBytes) == 128 && sizeof(BoardHeaderBytes) == 128 && sizeof(PlaceBytes) == 128);
static_assert(std::is_standard_layout_v<BoardBytes>);

constexpr std::uint64_t boardMagic = 0x647261'6f62'7363;  // "csboard"
constexpr std::uint64_t layoutVersion = 9;
constexpr const char* boardPath = "run/board";
constexpr const char* boardLockPath = "run/board.lock";

constexpr auto relaxed = std::memory_order_relaxed;

// What Boost maps: our own descriptor, because the one of boost::interprocess::file_mapping would not be close-on-exec.
class BoardFile {
 public:
  explicit BoardFile(FileDescriptor file) : file_(std::move(file)) {}
  [[nodiscard]] int number() const { return file_.number(); }
  [[nodiscard]] bool isOpen() const { return file_.isOpen(); }
  [[nodiscard]] boost::interprocess::mode_t get_mode() const { return boost::interprocess::read_write; }
  [[nodiscard]] boost::interprocess::mapping_handle_t get_mapping_handle() const {
    boost::interprocess::mapping_handle_t handle{};
    handle.handle = file_.number();
    handle.is_xsi = false;
    return handle;
  }

 private:
  FileDescriptor file_;
};

class BoardMapping {
 public:
  explicit BoardMapping(const BoardFile& file)
      : region_(file, boost::interprocess::read_write, 0, sizeof(BoardBytes)) {}
  [[nodiscard]] BoardBytes& bytes() { return *static_cast<BoardBytes*>(region_.get_address()); }

 private:
  boost::interprocess::mapped_region region_;
};

}  // namespace detail
}  // namespace v1
}  // namespace callsheet
