#include "cli/machine_input.h"

#include <unistd.h>

#include <array>
#include <cerrno>

#include "callsheet/errors.h"
#include "callsheet/limits.h"

namespace callsheet {
inline namespace v1 {

std::string machineInput() {
  std::string text;
  std::array<char, 16384> piece;
  for (;;) {
    const ssize_t size = ::read(0, piece.data(), piece.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) throw systemError("the parameters cannot be read", errno);
    if (size == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(size));
    if (text.size() > limits::payloadBytesMax)
      throw Error(ErrorKind::invalid,
                  "the parameters have more than " + std::to_string(limits::payloadBytesMax) + " bytes");
  }
}

}  // namespace v1
}  // namespace callsheet
