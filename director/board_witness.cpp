#include "director/board_witness.h"

#include <unistd.h>

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::chrono::seconds slotRetry{10};

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
  slot_.reset();
  if (presence_) presence_->releaseAndUnlink();
}

void BoardWitness::wants() {
  if (!slot_) takeSlot();
  if (slot_) slot_->writerWants();
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
