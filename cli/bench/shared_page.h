#pragma once
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <type_traits>

#include "callsheet/errors.h"
#include "ipc/file_descriptor.h"

namespace callsheet {
inline namespace v1 {

/// The descriptor at which a child finds the page that its parent shares with it.
inline constexpr int sharedPageDescriptor = 3;

/// One T of lock-free atomics and plain settings that the bench shares with its children through an anonymous file. T's
/// members begin as zero or as their initialisers say.
template <class T>
class SharedPage {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  /// The parent's.
  SharedPage() : file_(::memfd_create("callsheet-bench", MFD_CLOEXEC)) {
    if (!file_.isOpen() || ::ftruncate(file_.number(), sizeof(T)) != 0)
      throw systemError("shared memory cannot be made", errno);
    page_ = new (map()) T{};
  }
  /// The child's.
  explicit SharedPage(FileDescriptor inherited)
      : file_(std::move(inherited)), page_(std::launder(static_cast<T*>(map()))) {}
  ~SharedPage() { ::munmap(static_cast<void*>(page_), sizeof(T)); }
  SharedPage(const SharedPage&) = delete;
  SharedPage& operator=(const SharedPage&) = delete;

  [[nodiscard]] int descriptor() const { return file_.number(); }
  T& operator*() const { return *page_; }
  T* operator->() const { return page_; }

 private:
  void* map() const {
    void* const address = ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED, file_.number(), 0);
    if (address == MAP_FAILED) throw systemError("shared memory cannot be mapped", errno);
    return address;
  }

  FileDescriptor file_;
  T* page_ = nullptr;
};

}  // namespace v1
}  // namespace callsheet
