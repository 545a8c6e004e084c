#pragma once
#include <optional>

#include "ipc/file_descriptor.h"

namespace callsheet {
inline namespace v1 {

/// TERM, INT and HUP as something to poll for. Must be made before the process starts its first thread that a signal
/// may come to, because threads inherit that these signals are blocked; the store's own threads block all signals.
/// Lives on the main thread.
class StopSignals {
 public:
  StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// Readable when a signal has come.
  [[nodiscard]] int descriptor() const { return descriptor_.number(); }
  /// The next signal that has come, if any. Never waits.
  [[nodiscard]] std::optional<int> take();

 private:
  FileDescriptor descriptor_;
};

}  // namespace v1
}  // namespace callsheet
