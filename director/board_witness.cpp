#include "director/board_witness.h"

#include <unistd.h>

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::chrono::seconds slotRetry{10};
// A process that writes less, such as a command, is not worth a place, and does without the room for it.
constexpr std::uint32_t commitsAlone = 16;

std::optional<PresenceLock> acquireIfPossible(const StoreDirectory& directory, IncarnationID self) {
  try {
    return PresenceLock::acquire(directory, self, PresenceInfo::ofThisProcess({}, "writer"));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::storeFull) throw;
    return std::nullopt;
  }
}
}  // namespace

BoardWitness::BoardWitness(std::shared_ptr<const StoreDirectory> directory, bool mayBeKilled,
                           std::unique_ptr<WaitingWriter> waiting)
    : directory_(std::move(directory)),
      self_(makeIncarnationID()),
      mayBeKilled_(mayBeKilled),
      waiting_(std::move(waiting)) {
  Board::requireUsable(*directory_);
  presence_ = acquireIfPossible(*directory_, self_);
}

BoardWitness::~BoardWitness() {
  exchange_.reset();
  slot_.reset();
  if (presence_) presence_->releaseAndUnlink();
}

void BoardWitness::wants() {
  if (!slot_) takeSlot();
  if (slot_) slot_->writerWants();
  if (commits_ < commitsAlone) ++commits_;
  isWaiting_ = true;
  if (waiting_) waiting_->begin();
}

void BoardWitness::began() {
  if (slot_) slot_->writerBegan();
  isWaiting_ = false;
  if (waiting_) waiting_->end();
}

void BoardWitness::cleared() {
  if (slot_) slot_->writerCleared();
  isWaiting_ = false;
  if (waiting_) waiting_->end();
}

CommitExchange* BoardWitness::exchange() {
  if (commits_ < commitsAlone) return nullptr;
  if (!exchange_ && slot_) takePlace();
  return exchange_.get();
}

void BoardWitness::takePlace() noexcept {
  if (std::chrono::steady_clock::now() < tryPlaceAgainAt_) return;
  try {
    exchange_ = Board::openIfPossible(*directory_).takePlaceIfAny(*slot_);
  } catch (const std::exception&) {
  }
  tryPlaceAgainAt_ = std::chrono::steady_clock::now() + slotRetry;
}

/// Without a line nobody can tell who holds the write lock, which matters only if this process is stopped while it
/// does. So whatever is in the way, a full disk, a full board, it does not keep anybody from writing.
void BoardWitness::takeSlot() noexcept {
  const auto now = std::chrono::steady_clock::now();
  if (now < tryAgainAt_) return;
  try {
    Board board = Board::openIfPossible(*directory_);
    if (!board.isBlank()) slot_ = board.takeSlotIfAny(self_, ::getpid(), mayBeKilled_);
  } catch (const std::exception&) {
  }
  tryAgainAt_ = std::chrono::steady_clock::now() + slotRetry;
}

}  // namespace v1
}  // namespace callsheet
