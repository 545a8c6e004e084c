#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "ipc/file_descriptor.h"

namespace callsheet {
inline namespace v1 {

/// A client's end of a Unix stream socket that never blocks: what is to be sent, and what came and was not taken yet.
/// Single-threaded.
class StreamConnection {
 public:
  /// Throws Error when nobody listens there.
  explicit StreamConnection(const std::string& socketPath);

  [[nodiscard]] int descriptor() const { return socket_.number(); }
  /// Sends as much as the kernel takes; the rest goes with flush().
  void send(std::string_view text);
  void flush();
  [[nodiscard]] bool hasUnsent() const { return sent_ < unsent_.size(); }
  /// What poll is to wait for.
  [[nodiscard]] short interest() const;
  /// Takes in what has come. Throws BenchFailure when the other end has hung up.
  void receive();
  [[nodiscard]] std::string_view received() const { return std::string_view(received_).substr(taken_); }
  /// Forgets so many bytes at the front of received().
  void take(std::size_t bytes);
  /// Waits until something more has come. Throws BenchFailure when nothing does for long.
  void awaitMore();

 private:
  FileDescriptor socket_;
  std::string unsent_;
  std::size_t sent_ = 0;
  std::string received_;
  std::size_t taken_ = 0;
};

}  // namespace v1
}  // namespace callsheet
