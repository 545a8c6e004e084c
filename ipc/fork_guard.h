#pragma once
#include <functional>
#include <utility>

namespace callsheet {
inline namespace v1 {

/// Owns a descriptor that must not live on in forked children: a lock of the open-file kind is held until the *last*
/// copy of its descriptor is closed, so a child would keep a dead parent's lock. In the child the number stays taken,
/// by a descriptor of nothing, so that the owner's destructor there closes that and never a stranger's file. Opening
/// and closing exclude fork() in other threads. Not thread-safe itself.
class ForkGuardedDescriptor {
 public:
  ForkGuardedDescriptor() = default;
  /// `open` returns a new descriptor, or -1 with errno, which is passed on. It must not fork.
  [[nodiscard]] static ForkGuardedDescriptor open(const std::function<int()>& open);

  ForkGuardedDescriptor(ForkGuardedDescriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  ForkGuardedDescriptor& operator=(ForkGuardedDescriptor&& other) noexcept;
  ForkGuardedDescriptor(const ForkGuardedDescriptor&) = delete;
  ForkGuardedDescriptor& operator=(const ForkGuardedDescriptor&) = delete;
  ~ForkGuardedDescriptor() { close(); }

  [[nodiscard]] int number() const { return descriptor_; }
  [[nodiscard]] bool isOpen() const { return descriptor_ >= 0; }
  void close();

 private:
  int descriptor_ = -1;
};

}  // namespace v1
}  // namespace callsheet
