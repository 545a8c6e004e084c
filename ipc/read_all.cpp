#include "ipc/read_all.h"

#include <unistd.h>

#include <cerrno>

namespace callsheet {
inline namespace v1 {

std::optional<std::string> readAll(int descriptor, std::size_t bytesMax) {
  std::string text(bytesMax, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t part = ::read(descriptor, text.data() + size, text.size() - size);
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) return std::nullopt;
    if (part == 0) break;
    size += static_cast<std::size_t>(part);
  }
  text.resize(size);
  return text;
}

}  // namespace v1
}  // namespace callsheet
