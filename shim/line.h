#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace callsheet {
inline namespace v1 {

/// Text of limited length, put together without memory of its own. What does not fit is left out. Safe after vfork.
template <std::size_t capacity>
class Line {
 public:
  Line& operator<<(std::string_view text) {
    const std::size_t size = text.size() < capacity - size_ ? text.size() : capacity - size_;
    std::memcpy(bytes_ + size_, text.data(), size);
    size_ += size;
    return *this;
  }
  Line& operator<<(std::int64_t number) {
    char digits[24];
    std::size_t at = sizeof digits;
    const bool isNegative = number < 0;
    auto rest = isNegative ? ~static_cast<std::uint64_t>(number) + 1 : static_cast<std::uint64_t>(number);
    do digits[--at] = static_cast<char>('0' + rest % 10);
    while ((rest /= 10) != 0);
    if (isNegative) digits[--at] = '-';
    return *this << std::string_view(digits + at, sizeof digits - at);
  }
  /// With zeros in front.
  Line& padded(std::int64_t number, int width) {
    for (std::int64_t limit = 10; --width > 0; limit *= 10)
      if (number < limit) *this << "0";
    return *this << number;
  }
  /// Filled up with spaces to its whole length, the last byte being a line's end.
  Line& fill() {
    std::memset(bytes_ + size_, ' ', capacity - size_);
    bytes_[capacity - 1] = '\n';
    size_ = capacity;
    return *this;
  }
  [[nodiscard]] std::string_view text() const { return {bytes_, size_}; }
  [[nodiscard]] const char* data() const { return bytes_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  char bytes_[capacity];
  std::size_t size_ = 0;
};

/// The same with a zero behind it, for the kernel.
template <std::size_t capacity>
class Name : public Line<capacity> {
 public:
  [[nodiscard]] const char* zeroed() {
    *this << std::string_view("\0", 1);
    return this->data();
  }
};

}  // namespace v1
}  // namespace callsheet
