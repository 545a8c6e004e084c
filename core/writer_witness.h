#pragma once

namespace callsheet {
inline namespace v1 {

class CommitExchange;

/// The seam through which a store says when it wants, holds and has left the machine-wide write lock, so that others
/// can see who holds it when nothing moves. Called by who commits, on one thread at a time; must not throw, and block
/// only in the first wants(), before the lock is waited for.
class WriterWitness {
 public:
  virtual ~WriterWitness() = default;
  virtual void wants() = 0;
  virtual void began() = 0;
  virtual void cleared() = 0;
  /// What this process shares commits through; null while it writes alone. Asked before each commit.
  [[nodiscard]] virtual CommitExchange* exchange() { return nullptr; }
};

}  // namespace v1
}  // namespace callsheet
