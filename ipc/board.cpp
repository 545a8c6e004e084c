#include "ipc/board.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/interprocess/exceptions.hpp>
#include <cerrno>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "callsheet/errors.h"
#include "core/crash_point.h"
#include "core/fork_generation.h"
#include "ipc/board_bytes.h"
#include "ipc/board_exchange.h"
#include "ipc/boot_clock.h"
#include "ipc/presence_lock.h"
#include "ipc/process_state.h"
#include "ipc/signed_lock.h"

namespace callsheet {
inline namespace v1 {

namespace detail {

namespace {

BoardFile openFile(const StoreDirectory& store, const char* path, int flags) {
  return BoardFile(FileDescriptor(::openat(store.descriptor(), path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0600)));
}

// Nothing when it is damaged, as after a power cut: a board is never made durable, and nobody living has mapped such a
// one.
std::optional<BoardHeaderBytes> readHeader(const BoardFile& file) {
  BoardHeaderBytes header{};
  struct stat status {};
  if (!file.isOpen() || ::fstat(file.number(), &status) != 0) return std::nullopt;
  if (::pread(file.number(), &header, sizeof header, 0) != static_cast<ssize_t>(sizeof header)) return std::nullopt;
  if (header.magic != boardMagic) return std::nullopt;
  if (header.layoutVersion == layoutVersion && status.st_size != static_cast<off_t>(sizeof(BoardBytes)))
    return std::nullopt;
  return header;
}

BoardHeaderBytes headerOfThisProcess() {
  BoardHeaderBytes header{};
  header.magic = boardMagic;
  header.layoutVersion = layoutVersion;
  header.bootID = currentBootID().bytes;
  header.pidNamespace = pidNamespaceInode();
  return header;
}

// Whoever uses the store lives in this boot and says in its presence in which PID namespace. A presence that says
// nothing was made on a full disk; whoever has a board of this boot mapped may be that one.
void requireUnused(const StoreDirectory& store, const std::optional<BoardHeaderBytes>& found,
                   const BoardHeaderBytes& wanted) {
  if (found == wanted) return;
  const bool isOfThisBoot = found && found->bootID == wanted.bootID;
  for (const Presence& presence : listPresences(store)) {
    if (!presence.held) continue;
    const bool isNamed = presence.info.pid != 0;
    if (isNamed && presence.info.bootID.bytes != wanted.bootID) continue;
    const std::uint64_t where =
        isNamed ? presence.info.pidNamespace : (isOfThisBoot ? found->pidNamespace : wanted.pidNamespace);
    if (where != wanted.pidNamespace)
      throw Error(
          ErrorKind::unsupported,
          "the store " + store.dataPath() +
              " is in use from another PID namespace; run all its processes in one, containers with --pid=host");
    const bool isOther = isOfThisBoot && found->pidNamespace == where && presence.info.pid != ::getpid();
    if (isOther)
      throw Error(
          ErrorKind::unsupported,
          "the store " + store.dataPath() + " is in use by another version of Callsheet; stop all its processes first");
  }
}

void makeBoard(const StoreDirectory& store, const BoardHeaderBytes& header) {
  const char* temporary = "run/board.new";  // we hold the lock: nobody else makes one
  ::unlinkat(store.descriptor(), temporary, 0);
  const BoardFile file = openFile(store, temporary, O_CREAT | O_EXCL);
  if (!file.isOpen()) throw systemError("cannot create " + store.path(temporary), errno);
  ::fchmod(file.number(), 0600);
  // Real blocks for what everybody writes: a write into a hole of mapped memory on a full disk would be a SIGBUS.
  int error = ::posix_fallocate(file.number(), 0, offsetof(BoardBytes, pages));
  if (error == 0 && ::ftruncate(file.number(), sizeof(BoardBytes)) != 0) error = errno;
  if (error != 0) {
    ::unlinkat(store.descriptor(), temporary, 0);
    throw systemError("cannot make room for " + store.path(boardPath), error);
  }
  if (::pwrite(file.number(), &header, sizeof header, 0) != static_cast<ssize_t>(sizeof header))
    throw systemError("cannot write " + store.path(boardPath), errno);
  crashPoint("board.file-made");
  if (::renameat(store.descriptor(), temporary, store.descriptor(), boardPath) != 0)
    throw systemError("cannot create " + store.path(boardPath), errno);
  crashPoint("board.renamed");
}

struct Halves {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
};

Halves halvesOf(IncarnationID incarnation) {
  Halves halves;
  for (std::size_t i = 0; i < 8; ++i) halves.high = halves.high << 8 | incarnation.value.bytes[i];
  for (std::size_t i = 8; i < 16; ++i) halves.low = halves.low << 8 | incarnation.value.bytes[i];
  return halves;
}

IncarnationID incarnationOf(Halves halves) {
  IncarnationID incarnation;
  for (std::size_t i = 8; i-- > 0; halves.high >>= 8)
    incarnation.value.bytes[i] = static_cast<std::uint8_t>(halves.high);
  for (std::size_t i = 16; i-- > 8; halves.low >>= 8)
    incarnation.value.bytes[i] = static_cast<std::uint8_t>(halves.low);
  return incarnation;
}

// Nothing when it is free, or changed hands while it was read.
std::optional<BoardEntry> readSlot(const BoardSlotBytes& slot) {
  const Halves before{slot.uuidHigh.load(std::memory_order_acquire), slot.uuidLow.load(relaxed)};
  if (before.high == 0) return std::nullopt;
  BoardEntry entry;
  entry.incarnation = incarnationOf(before);
  entry.pid = static_cast<pid_t>(slot.pid.load(relaxed));
  entry.startTime = slot.startTime.load(relaxed);
  entry.beatBootNanos = static_cast<std::int64_t>(slot.beatBootNanos.load(relaxed));
  entry.sequence = slot.sequence.load(std::memory_order_acquire);
  entry.writerState = static_cast<WriterState>(slot.writerState.load(std::memory_order_acquire));
  entry.writerBeganBootNanos = static_cast<std::int64_t>(slot.writerBeganBootNanos.load(relaxed));
  entry.mayBeKilled = slot.mustNotBeKilled.load(relaxed) == 0;
  entry.writerSequence = slot.writerSequence.load(std::memory_order_acquire);
  if (slot.uuidLow.load(relaxed) != before.low || slot.uuidHigh.load(std::memory_order_acquire) != before.high)
    return std::nullopt;
  return entry;
}

bool isDead(const StoreDirectory& store, const BoardEntry& entry) {
  const PresenceState presence = presenceStateOf(store, entry.incarnation);
  if (presence != PresenceState::absent) return presence == PresenceState::free;
  // Its presence is removed already, or it never has one: then the process decides.
  const auto process = processState(entry.pid);
  return !process || process->isEnded() || process->startTime != entry.startTime;
}

// A full disk or board, no descriptors: may be over soon, and is no reason not to work meanwhile: the board only ever
// helps to find the stopped and hung.
bool isForNow(const Error& error) {
  return error.kind() == ErrorKind::storeFull || error.kind() == ErrorKind::unavailable ||
         error.kind() == ErrorKind::io;
}

void clear(BoardSlotBytes& slot) {
  for (Word* word :
       {&slot.sequence, &slot.beatBootNanos, &slot.writerState, &slot.writerSequence, &slot.writerBeganBootNanos})
    word->store(0, relaxed);
}

}  // namespace
}  // namespace detail

using detail::BoardMapping;
using detail::BoardSlotBytes;

Board Board::open(const StoreDirectory& store) {
  const detail::BoardHeaderBytes wanted = detail::headerOfThisProcess();
  const SignedLock lock = SignedLock::acquire(store, detail::boardLockPath);
  detail::BoardFile file = detail::openFile(store, detail::boardPath, 0);
  const auto found = detail::readHeader(file);
  if (found != wanted) {
    detail::requireUnused(store, found, wanted);
    detail::makeBoard(store, wanted);
    file = detail::openFile(store, detail::boardPath, 0);
  }
  if (!file.isOpen()) throw systemError("cannot open " + store.path(detail::boardPath), errno);
  try {
    return Board(store, std::make_shared<BoardMapping>(file));
  } catch (const boost::interprocess::interprocess_exception& error) {
    throw systemError("cannot map " + store.path(detail::boardPath), error.get_native_error());
  }
}

Board Board::openIfPossible(const StoreDirectory& store) {
  Board board(store, nullptr);
  static_cast<void>(board.tryAgain());
  return board;
}

bool Board::tryAgain() {
  if (!isBlank()) return true;
  try {
    mapping_ = open(*store_).mapping_;
  } catch (const Error& error) {
    if (!detail::isForNow(error)) throw;
  }
  return !isBlank();
}

void Board::requireUsable(const StoreDirectory& store) {
  detail::requireUnused(store, detail::readHeader(detail::openFile(store, detail::boardPath, 0)),
                        detail::headerOfThisProcess());
}

Board::Board(const StoreDirectory& store, std::shared_ptr<BoardMapping> mapping)
    : store_(&store), mapping_(std::move(mapping)) {}

std::optional<BoardSlot> Board::takeSlotIfAny(IncarnationID incarnation, pid_t pid, bool mayBeKilled) {
  try {
    if (tryAgain()) return takeSlot(incarnation, pid, mayBeKilled);
  } catch (const Error& error) {
    if (!detail::isForNow(error)) throw;
  }
  return std::nullopt;
}

BoardSlot Board::takeSlot(IncarnationID incarnation, pid_t pid, bool mayBeKilled) {
  const detail::Halves halves = detail::halvesOf(incarnation);
  if (halves.high == 0) throw Error(ErrorKind::invalid, "a nil incarnation cannot take a slot of the board");
  if (isBlank()) throw Error(ErrorKind::unavailable, "there is no room for the board of " + store_->dataPath());
  const auto process = processState(pid);
  if (!process) throw Error(ErrorKind::invalid, "there is no process " + std::to_string(pid) + " to take a slot for");

  const SignedLock lock = SignedLock::acquire(*store_, detail::boardLockPath);
  auto& slots = mapping_->bytes().slots;
  const auto isFree = [](const BoardSlotBytes& slot) { return slot.uuidHigh.load(std::memory_order_acquire) == 0; };
  auto slot = std::find_if(slots.begin(), slots.end(), isFree);
  if (slot == slots.end() && freeDeadSlotsLocked() > 0) slot = std::find_if(slots.begin(), slots.end(), isFree);
  if (slot == slots.end())
    throw Error(ErrorKind::unavailable,
                "all " + std::to_string(slotCount) +
                    " slots of the board are taken by living processes; stop some and try again");
  detail::clear(*slot);
  slot->uuidLow.store(halves.low, detail::relaxed);
  slot->pid.store(static_cast<std::uint64_t>(pid), detail::relaxed);
  slot->startTime.store(process->startTime, detail::relaxed);
  slot->mustNotBeKilled.store(mayBeKilled ? 0 : 1, detail::relaxed);
  crashPoint("board.slot-cleared");
  slot->uuidHigh.store(halves.high, std::memory_order_release);
  return BoardSlot(mapping_, &*slot);
}

std::unique_ptr<BoardExchange> Board::takePlaceIfAny(const BoardSlot& slot, std::int64_t lingerMax) {
  try {
    if (!isBlank() && slot.isUsable()) return takePlace(slot, lingerMax);
  } catch (const Error& error) {
    if (!detail::isForNow(error)) throw;
  }
  return nullptr;
}

std::unique_ptr<BoardExchange> Board::takePlace(const BoardSlot& slot, std::int64_t lingerMax) {
  const SignedLock lock = SignedLock::acquire(*store_, detail::boardLockPath);
  auto& bytes = slot.mapping_->bytes();  // the same file, but perhaps not where this Board has it
  const auto isFree = [&](const detail::PlaceBytes& place) {
    const std::uint64_t owner = place.slot.load(std::memory_order_acquire);
    if (owner == 0 || owner > bytes.slots.size()) return true;
    const BoardSlotBytes& of = bytes.slots[owner - 1];
    return of.uuidHigh.load(std::memory_order_acquire) != place.uuidHigh.load(detail::relaxed) ||
           of.uuidLow.load(detail::relaxed) != place.uuidLow.load(detail::relaxed);
  };
  auto place = std::find_if(bytes.places.begin(), bytes.places.end(), isFree);
  if (place == bytes.places.end() && freeDeadSlotsLocked() > 0)
    place = std::find_if(bytes.places.begin(), bytes.places.end(), isFree);
  if (place == bytes.places.end()) return nullptr;
  const auto index = static_cast<std::size_t>(place - bytes.places.begin());
  const auto offset = offsetof(detail::BoardBytes, pages) + index * sizeof(detail::PlacePages);
  const detail::BoardFile file = detail::openFile(*store_, detail::boardPath, 0);
  if (const int error = ::posix_fallocate(file.number(), static_cast<off_t>(offset), sizeof(detail::PlacePages));
      error != 0)
    throw systemError("cannot make room in " + store_->path(detail::boardPath), error);
  const auto used = static_cast<std::uint32_t>(index + 1);
  if (bytes.exchange.placesUsed.load() < used) bytes.exchange.placesUsed.store(used);
  place->uuidHigh.store(slot.uuidHigh_, detail::relaxed);
  place->uuidLow.store(slot.uuidLow_, detail::relaxed);
  place->slot.store(static_cast<std::uint64_t>(slot.bytes_ - bytes.slots.data()) + 1, std::memory_order_release);
  return std::unique_ptr<BoardExchange>(new BoardExchange(slot.mapping_, index, lingerMax));
}

std::vector<BoardEntry> Board::snapshot() const {
  std::vector<BoardEntry> entries;
  if (isBlank()) return entries;
  for (const BoardSlotBytes& slot : mapping_->bytes().slots)
    if (const auto entry = detail::readSlot(slot)) entries.push_back(*entry);
  return entries;
}

std::size_t Board::freeDeadSlots() {
  if (isBlank()) return 0;
  const SignedLock lock = SignedLock::acquire(*store_, detail::boardLockPath);
  return freeDeadSlotsLocked();
}

std::size_t Board::freeDeadSlotsLocked() {
  std::size_t freed = 0;
  for (BoardSlotBytes& slot : mapping_->bytes().slots) {
    const auto entry = detail::readSlot(slot);
    if (!entry || !detail::isDead(*store_, *entry)) continue;
    slot.uuidHigh.store(0, std::memory_order_release);
    ++freed;
  }
  return freed;
}

BoardSlot::BoardSlot(std::shared_ptr<BoardMapping> mapping, BoardSlotBytes* bytes)
    : mapping_(std::move(mapping)),
      bytes_(bytes),
      uuidHigh_(bytes->uuidHigh.load(detail::relaxed)),
      uuidLow_(bytes->uuidLow.load(detail::relaxed)),
      forkGeneration_(callsheet::forkGeneration()) {}

BoardSlot::BoardSlot(BoardSlot&& other) noexcept
    : mapping_(std::move(other.mapping_)),
      bytes_(std::exchange(other.bytes_, nullptr)),
      uuidHigh_(other.uuidHigh_),
      uuidLow_(other.uuidLow_),
      forkGeneration_(other.forkGeneration_) {}

BoardSlot& BoardSlot::operator=(BoardSlot&& other) noexcept {
  if (this != &other) {
    release();
    mapping_ = std::move(other.mapping_);
    bytes_ = std::exchange(other.bytes_, nullptr);
    uuidHigh_ = other.uuidHigh_;
    uuidLow_ = other.uuidLow_;
    forkGeneration_ = other.forkGeneration_;
  }
  return *this;
}

BoardSlot::~BoardSlot() {
  release();
}

void BoardSlot::release() noexcept {
  if (isUsable()) bytes_->uuidHigh.store(0, std::memory_order_release);
  bytes_ = nullptr;
}

// Not in a forked child, and not when the slot was taken away because our presence was let go before it.
bool BoardSlot::isUsable() const noexcept {
  return bytes_ != nullptr && forkGeneration_ == callsheet::forkGeneration() &&
         bytes_->uuidHigh.load(std::memory_order_acquire) == uuidHigh_ &&
         bytes_->uuidLow.load(detail::relaxed) == uuidLow_;
}

void BoardSlot::beat() noexcept {
  if (!isUsable()) return;
  bytes_->beatBootNanos.store(static_cast<std::uint64_t>(nowNanos()), detail::relaxed);
  bytes_->sequence.fetch_add(1, std::memory_order_release);
}

void BoardSlot::rest() noexcept {
  if (!isUsable()) return;
  bytes_->beatBootNanos.store(0, detail::relaxed);
  bytes_->sequence.fetch_add(1, std::memory_order_release);
}

void BoardSlot::setWriter(WriterState state) noexcept {
  if (!isUsable()) return;
  if (state == WriterState::writing)
    bytes_->writerBeganBootNanos.store(static_cast<std::uint64_t>(nowNanos()), detail::relaxed);
  bytes_->writerState.store(static_cast<std::uint64_t>(state), std::memory_order_release);
  bytes_->writerSequence.fetch_add(1, std::memory_order_release);
}

void BoardSlot::writerWants() noexcept {
  setWriter(WriterState::wants);
}
void BoardSlot::writerBegan() noexcept {
  setWriter(WriterState::writing);
}
void BoardSlot::writerCleared() noexcept {
  setWriter(WriterState::idle);
}

}  // namespace v1
}  // namespace callsheet
