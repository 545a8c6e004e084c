#pragma once
#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace callsheet {
inline namespace v1 {

/// An answer's body whose bytes are made while it is sent, as fast as the client reads. On the loop's thread.
class BodySource {
 public:
  virtual ~BodySource() = default;
  /// The next bytes, at most so many; nothing at the end. Empty: there are none now, and `more` is called once when it
  /// is time to ask again, at the latest a second later. What it throws cuts the answer off, which the client sees.
  [[nodiscard]] virtual std::optional<std::string> read(std::size_t bytesMax, std::function<void()> more) = 0;
};

}  // namespace v1
}  // namespace callsheet
