#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "ipc/file_descriptor.h"
#include "ipc/store_paths.h"

namespace callsheet {
inline namespace v1 {

/// A stream socket that listens, and its file when it has one: removed with it while it is still ours. Not thread-safe.
class ListeningSocket {
 public:
  /// `name` in the store's directory, mode 0600. A dead predecessor's file is replaced; of two
  /// servers that begin at the same moment the later one has the name. Throws Error: conflict
  /// (somebody listens there), invalid (the name, or a file that is no socket), io.
  [[nodiscard]] static ListeningSocket unixSocket(const StoreDirectory& store, std::string_view name);
  /// "127.0.0.1:PORT", "localhost:PORT" or "[::1]:PORT"; port 0 takes any that is free. Throws Error: usage (another
  /// address), conflict (in use), io.
  [[nodiscard]] static ListeningSocket tcpSocket(const std::string& address);
  /// Throws what tcpSocket would throw of an address that it does not take.
  static void checkTcpAddress(const std::string& address);

  ListeningSocket(ListeningSocket&&) noexcept = default;
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  ~ListeningSocket();

  [[nodiscard]] int number() const { return socket_.number(); }
  /// "HOST:PORT" as it was bound; empty for a Unix socket.
  [[nodiscard]] const std::string& address() const { return address_; }

 private:
  ListeningSocket() = default;

  FileDescriptor socket_;
  std::string address_;
  FileDescriptor directory_;  // open when there is a file
  std::string name_;
  ino_t inode_ = 0;
  std::uint64_t forkGeneration_ = 0;
};

}  // namespace v1
}  // namespace callsheet
