#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "core/commit_exchange.h"
#include "ipc/board.h"

namespace callsheet {
inline namespace v1 {

namespace detail {
class BoardMapping;
struct BoardBytes;
struct PlaceBytes;
}  // namespace detail

/// The exchange of commits over the board: each process that writes much has a place there with room for a question
/// and an answer. Who leads applies the questions of the others with his own verbs and waits a moment for those who
/// usually come back soon. The death or stop of a leader costs the others a few milliseconds, then they go for the
/// write lock themselves. One thread at a time; given back when destroyed (before the slot is).
class BoardExchange final : public CommitExchange {
 public:
  BoardExchange(const BoardExchange&) = delete;
  BoardExchange& operator=(const BoardExchange&) = delete;
  ~BoardExchange() override;

  [[nodiscard]] bool isAsking() const override { return isAsking_; }
  [[nodiscard]] bool tryLead() override;
  [[nodiscard]] bool ask(std::string_view request) override;
  [[nodiscard]] Awaited await(std::string_view& answer) override;
  [[nodiscard]] std::optional<Outcome> withdraw() override;
  void abandon() override;
  [[nodiscard]] std::optional<Asked> next() override;
  void answer(std::size_t place, std::string_view bytes) override;
  void settle(bool isDurable) override;
  void endLead() override;

 private:
  friend class Board;
  BoardExchange(std::shared_ptr<detail::BoardMapping> mapping, std::size_t place, std::int64_t lingerMax);

  /// A question that this process has taken.
  struct Taken {
    std::size_t place = 0;
    std::uint64_t state = 0;  // as it was taken; another one by now: its owner no longer waits
    bool hasAnswer = false;
  };
  [[nodiscard]] std::optional<Asked> takeAny();
  /// Until when to wait for others to come back; nothing: nobody is expected.
  [[nodiscard]] std::optional<std::int64_t> lingerUntil(std::int64_t now) const;
  void cameBack();
  /// How long who asked waits for somebody else's commit before going for the lock, where LMDB's own wait begins: that
  /// one may have to end another commit first.
  [[nodiscard]] std::int64_t patience() const;
  void ring(detail::PlaceBytes& place);
  [[nodiscard]] std::string_view takeAnswer();
  [[nodiscard]] detail::PlaceBytes& own();

  std::shared_ptr<detail::BoardMapping> mapping_;
  detail::BoardBytes& board_;
  const std::size_t place_;
  const std::int64_t lingerMax_;
  const std::uint64_t forkGeneration_;
  /// Until it holds the write lock the next time: before, somebody may still read what was asked here for nobody, by a
  /// dead owner of the place to begin with.
  bool mustVoid_ = true;
  bool isAsking_ = false;  // a question of this process is out, or its answer not yet taken
  std::vector<Taken> taken_;
  std::int64_t lingerFrom_ = 0;  // of this commit: when this process first found nothing more to take
  std::int64_t commitFrom_ = 0;  // of this commit: when it stopped looking
};

}  // namespace v1
}  // namespace callsheet
