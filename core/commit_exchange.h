#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace callsheet {
inline namespace v1 {

/// The seam through which the processes that write one store have each other's verbs applied, so that one commit serves
/// all who wait for one. It carries bytes and decides nothing: only who holds the store's write lock applies what was
/// asked for, and who asked and comes to hold the lock applies it himself. What is applied twice on the way, because
/// somebody died or was too slow with an answer, is harmless: verbs are idempotent. One thread at a time.
class CommitExchange {
 public:
  virtual ~CommitExchange() = default;

  // ---- who needs a commit ----
  /// A question is out whose end was not waited for: go for the lock.
  [[nodiscard]] virtual bool isAsking() const = 0;
  /// Whether to go for the write lock at once. False: somebody else does; ask.
  [[nodiscard]] virtual bool tryLead() = 0;
  /// Puts up what is asked for; false when it does not fit or an older question may still be read: go for the lock.
  [[nodiscard]] virtual bool ask(std::string_view request) = 0;
  enum class Awaited : std::uint8_t {
    answer,   ///< durable; readable until the next ask()
    turn,     ///< whoever led has ended: go for the lock, which is free
    nothing,  ///< within a few commits' time: go for the lock, which may be held for long
  };
  /// Waits for what becomes of what was asked.
  [[nodiscard]] virtual Awaited await(std::string_view& answer) = 0;
  struct Outcome {
    bool isDurable = false;  ///< otherwise perhaps: whoever answered has not said so, and may be dead
    std::string_view answer;
  };
  /// With the write lock held, before its own verbs are applied: takes back what was asked and not answered. Nothing:
  /// nobody has applied it. Readable until the next ask().
  [[nodiscard]] virtual std::optional<Outcome> withdraw() = 0;
  /// Without the lock: nobody wants to know any more what becomes of what was asked.
  virtual void abandon() = 0;

  // ---- who holds the write lock ----
  struct Asked {
    std::size_t place = 0;
    std::string_view request;
  };
  /// What somebody else asks for and nobody has taken; waits a moment for who is likely to come. The request stays as
  /// it is until settle().
  [[nodiscard]] virtual std::optional<Asked> next() = 0;
  /// To be handed out by settle(). What does not fit is not answered: the other one applies it again.
  virtual void answer(std::size_t place, std::string_view bytes) = 0;
  /// After the commit: hands out the answers. After none: tells those who asked to go for the lock.
  virtual void settle(bool isDurable) = 0;
  /// The lock is given back: somebody who asked and was not served goes for it next.
  virtual void endLead() = 0;
};

}  // namespace v1
}  // namespace callsheet
