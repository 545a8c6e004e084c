#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/apply.h"
#include "core/commit_exchange.h"
#include "core/verbs.h"
#include "store/commit_queue.h"

namespace callsheet {
inline namespace v1 {

/// This process's part in the commits that several share: what it asks others for, and what it applies for them. For
/// one commit, on the thread that commits.
class CombinedCommit {
 public:
  /// Applies the verbs of one question in the open transaction, and gives each its answer.
  using Apply = std::function<std::vector<AnyAnswer>(const std::vector<Verb>&, Effects&)>;

  /// `exchange` may be null: then this process writes alone.
  CombinedCommit(CommitExchange* exchange, std::vector<CommitQueue::Group>& groups)
      : exchange_(exchange), groups_(groups) {}
  ~CombinedCommit();
  CombinedCommit(const CombinedCommit&) = delete;
  CombinedCommit& operator=(const CombinedCommit&) = delete;

  enum class First : std::uint8_t {
    answered,  ///< somebody else has done it: the groups are answered, durably
    lead,      ///< go for the lock, which is likely to be free
    asked,     ///< go for the lock; somebody else may have applied the groups, and the lock may be held for long
  };
  [[nodiscard]] First begin(Effects& effects);
  /// With the write lock held: whether somebody else has done it while this process waited for the lock.
  [[nodiscard]] bool wasDoneByOther(Effects& effects);
  /// What a verb is answered that was applied here. When somebody applied it before and came to no answer, that answer
  /// is the true one: here it only looks like a repeat.
  [[nodiscard]] AnyAnswer answerOf(std::size_t group, std::size_t verb, AnyAnswer applied) const;
  /// Applies what others ask for until nobody does or the commit is full. `verbs` and `bytes` are in it already.
  void applyOthers(std::size_t verbs, std::size_t bytes, const Apply& apply);
  /// This process does go for the lock.
  void lead() { isLeading_ = exchange_ != nullptr; }
  /// The commit is durable: the others get their answers. Without this call they are told to go for the lock.
  void succeeded();

 private:
  using Answers = std::vector<std::vector<AnyAnswer>>;  // of each group one a verb
  /// What another process answered; nothing when it cannot be read.
  [[nodiscard]] std::optional<Answers> read(std::string_view answer, Effects& effects) const;
  [[nodiscard]] bool take(std::optional<Answers> answers);

  CommitExchange* const exchange_;
  std::vector<CommitQueue::Group>& groups_;
  bool isLeading_ = false;
  bool isWithdrawn_ = false;
  bool isShared_ = false;          // others' verbs are in this commit
  std::optional<Answers> unsaid_;  // of somebody who applied the groups and perhaps committed, but did not say so
};

}  // namespace v1
}  // namespace callsheet
