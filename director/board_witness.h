#pragma once
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>

#include "core/writer_witness.h"
#include "director/waiting_writer.h"
#include "ipc/board.h"
#include "ipc/board_exchange.h"
#include "ipc/presence_lock.h"

namespace callsheet {
inline namespace v1 {

/// This process as a writer: one line on the board for all its directors, with a presence that proves whether it lives.
/// The presence comes with the opening, the line with the first write; where there is no room for them the store is
/// read and written without. The witness's methods run on one thread at a time.
class BoardWitness final : public WriterWitness {
 public:
  /// `waiting` may be null. Throws Error unsupported when the store is in use from where its locks mean nothing here.
  BoardWitness(std::shared_ptr<const StoreDirectory> directory, bool mayBeKilled,
               std::unique_ptr<WaitingWriter> waiting);
  ~BoardWitness() override;

  void wants() override;
  void began() override;
  void cleared() override;
  [[nodiscard]] CommitExchange* exchange() override;
  /// Whether a commit of this process waits for the write lock at this moment. Any thread.
  [[nodiscard]] bool isWaiting() const { return isWaiting_; }

 private:
  void takeSlot() noexcept;
  void takePlace() noexcept;

  std::shared_ptr<const StoreDirectory> directory_;
  const IncarnationID self_;
  const bool mayBeKilled_;
  std::optional<PresenceLock> presence_;
  std::optional<BoardSlot> slot_;
  std::unique_ptr<BoardExchange> exchange_;
  std::uint32_t commits_ = 0;  // up to the number from which on they are shared
  std::chrono::steady_clock::time_point tryAgainAt_{};
  std::chrono::steady_clock::time_point tryPlaceAgainAt_{};
  std::atomic<bool> isWaiting_{false};
  std::unique_ptr<WaitingWriter> waiting_;
};

}  // namespace v1
}  // namespace callsheet
