#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "callsheet/archive_dispatch.h"
#include "callsheet/limits.h"
#include "core/record_values.h"

// cereal archives for the bodies of durable records, over memory: fast, bounded, and the same bytes everywhere.
//
//   one byte                  itself: integers and enums of that size; bool is 0 or 1
//   larger integers, enums    LEB128: seven bits a byte, the lowest first; signed ones zigzag (0, -1, 1, -2, ...)
//   floats                    little endian, of their own size
//   Uuid, JobID, ...          a byte 0 for nil; 1 and the 16 bytes; or 2 + n for the n-th different one written so far
//   string                    count, bytes
//   vector, list, set, map    count, elements (of a map: key, value); counts are LEB128
//   array, pair, tuple        the elements
//   optional                  a byte 0 or 1, then the value
//   duration                  its count
//   a class                   its members; first a version if it has CEREAL_CLASS_VERSION
//
// A value has one form only, which is all that is accepted. Names of members (CEREAL_NVP) are not written. The type and
// the version of a whole record stand in its header.
namespace callsheet {
inline namespace v1 {

static_assert(std::endian::native == std::endian::little,
              "Records are little endian, and nothing here turns bytes around.");

inline constexpr std::size_t recordDepthMax = 16;  ///< classes and containers inside each other
/// A payload, and room for what wraps it.
inline constexpr std::size_t recordStringBytesMax = limits::payloadBytesMax + (64u << 10);

namespace detail {
[[noreturn]] void refuseRecordString(std::size_t size);
[[noreturn]] void refuseRecordDepth();
[[noreturn]] void failRecord(std::size_t offset, const char* why);

/// Elements that are stored as they lie in memory.
template <class T>
inline constexpr bool isPlainSequence = requires(T sequence) {
  sequence.data();
  sequence.resize(1);
}
&&isPlain<typename T::value_type> && !isWide<typename T::value_type>;
}  // namespace detail

/// Appends a record's body to a string, which has all of it when the archive ends. Throws Error(invalid) for a value
/// that RecordIn would refuse. Single-threaded.
class RecordOut {
 public:
  using is_saving = std::true_type;
  using is_loading = std::false_type;

  explicit RecordOut(std::string& bytes) : bytes_(bytes) { take(bytes.size(), usualBytes); }
  ~RecordOut() { bytes_.resize(used()); }
  RecordOut(const RecordOut&) = delete;
  RecordOut& operator=(const RecordOut&) = delete;

  template <class... Values>
  RecordOut& operator()(const Values&... values) {
    (write(values), ...);
    return *this;
  }

 private:
  template <class T>
  void write(const T& value);
  template <class T>
  void writeCounted(const T& value);
  template <class T>
  void writeClass(const T& value);

  // A row is some seventy small values: the string is made long enough for most at once and cut when the archive ends.
  static constexpr std::size_t usualBytes = 512;
  [[nodiscard]] std::size_t used() const { return static_cast<std::size_t>(at_ - bytes_.data()); }
  void take(std::size_t used, std::size_t more) {
    bytes_.resize(used + more);
    at_ = bytes_.data() + used;
    end_ = bytes_.data() + bytes_.size();
  }
  [[gnu::noinline, gnu::cold]] void grow(std::size_t size) { take(used(), std::max(bytes_.size(), size) + usualBytes); }
  [[gnu::always_inline]] void makeRoom(std::size_t size) {
    if (size > static_cast<std::size_t>(end_ - at_)) [[unlikely]]
      grow(size);
  }
  void raw(const void* data, std::size_t size) {
    if (size == 0) return;  // then there may be no data either
    makeRoom(size);
    std::memcpy(at_, data, size);
    at_ += size;
  }
  void writeCount(std::size_t count) {
    if (count > recordStringBytesMax) detail::refuseRecordString(count);
    writeNumber(count);
  }
  [[gnu::always_inline]] void writeNumber(std::uint64_t number) {
    makeRoom(10);
    char* at = at_;
    for (; number >= 0x80; number >>= 7) *at++ = static_cast<char>(number | 0x80);
    *at++ = static_cast<char>(number);
    at_ = at;
  }
  [[gnu::always_inline]] void writeByte(std::uint8_t byte) {
    makeRoom(1);
    char* at = at_;
    *at = static_cast<char>(byte);
    at_ = at + 1;
  }
  void writeUuid(const Uuid& uuid) {
    if (uuid.isNil()) return writeByte(0);
    const std::size_t known = uuids_.find(uuid);
    if (known < uuids_.count()) return writeByte(static_cast<std::uint8_t>(known + 2));
    writeByte(1);
    raw(uuid.bytes.data(), uuid.bytes.size());
    uuids_.add(uuid);
  }
  void enter() {
    if (++depth_ > recordDepthMax) detail::refuseRecordDepth();
  }
  void leave() { --depth_; }

  std::string& bytes_;
  char* at_ = nullptr;
  char* end_ = nullptr;
  std::size_t depth_ = 0;
  detail::RecordUuids uuids_;
};

/// Reads a record's body from memory, which must stay alive and is not trusted: whatever the bytes are, it reads only
/// inside them, allocates no more than a small multiple of their size and throws Error(corrupt) with the offset.
/// Single-threaded.
class RecordIn {
 public:
  using is_saving = std::false_type;
  using is_loading = std::true_type;

  explicit RecordIn(std::string_view bytes)
      : begin_(bytes.data()), at_(bytes.data()), end_(bytes.data() + bytes.size()) {}
  explicit RecordIn(std::span<const std::byte> bytes)
      : RecordIn(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size())) {}

  template <class... Values>
  RecordIn& operator()(Values&&... values) {
    (read(values), ...);
    return *this;
  }

  /// Throws Error(corrupt) unless everything was read.
  void finish() const {
    if (at_ != end_) detail::failRecord(offset(), "bytes are left over");
  }
  [[nodiscard]] std::size_t bytesLeft() const { return static_cast<std::size_t>(end_ - at_); }
  [[nodiscard]] std::size_t offset() const { return static_cast<std::size_t>(at_ - begin_); }

 private:
  template <class T>
  void read(T& value);
  template <class T>
  void readCounted(T& value);
  template <class T>
  void readClass(T& value);

  void raw(void* data, std::size_t size) {
    if (size > bytesLeft()) detail::failRecord(offset(), "it ends early");
    std::memcpy(data, at_, size);
    at_ += size;
  }
  [[nodiscard]] std::uint8_t byte() {
    if (at_ == end_) detail::failRecord(offset(), "it ends early");
    return static_cast<std::uint8_t>(*at_++);
  }
  [[nodiscard]] bool flag() {
    const std::uint8_t byte = this->byte();
    if (byte > 1) detail::failRecord(offset() - 1, "a flag is neither 0 nor 1");
    return byte == 1;
  }
  /// How many elements follow; each takes at least a byte.
  [[nodiscard]] std::size_t count() {
    const std::size_t start = offset();
    const std::uint64_t count = number();
    if (count > bytesLeft() || count > recordStringBytesMax)
      detail::failRecord(start, "a size is larger than what follows");
    return static_cast<std::size_t>(count);
  }
  [[nodiscard]] std::uint64_t number() {
    if (at_ != end_ && static_cast<std::uint8_t>(*at_) < 0x80) return static_cast<std::uint8_t>(*at_++);
    const std::size_t start = offset();
    std::uint64_t number = 0;
    for (unsigned shift = 0;; shift += 7) {
      const std::uint8_t byte = this->byte();
      const std::uint64_t bits = byte & 0x7F;
      const bool fits = shift < 63 || (shift == 63 && bits <= 1);
      if (!fits || (byte == 0 && shift > 0)) detail::failRecord(start, "a number has another form than its own");
      number |= bits << shift;
      if (byte < 0x80) return number;
    }
  }
  template <class T>
  void readWide(T& value) {
    const std::size_t start = offset();
    if (!detail::fromUnsigned(number(), value)) detail::failRecord(start, "a number is too large");
  }
  void readUuid(Uuid& uuid) {
    const std::size_t start = offset();
    const std::uint8_t tag = byte();
    uuid = Uuid{};
    if (tag == 1) {
      raw(uuid.bytes.data(), uuid.bytes.size());
      if (uuid.isNil() || uuids_.find(uuid) != uuids_.count())
        detail::failRecord(start, "an id has another form than its own");
      uuids_.add(uuid);
    } else if (tag >= 2) {
      if (tag - 2u >= uuids_.count()) detail::failRecord(start, "it refers to an id that is not there");
      uuid = uuids_.at(tag - 2u);
    }
  }
  void enter() {
    if (++depth_ > recordDepthMax) detail::failRecord(offset(), "it is nested too deep");
  }
  void leave() { --depth_; }

  const char* begin_;
  const char* at_;
  const char* end_;
  std::size_t depth_ = 0;
  detail::RecordUuids uuids_;
};

/// A record's body as bytes.
template <class T>
[[nodiscard]] std::string toRecord(const T& value) {
  std::string bytes;
  {
    RecordOut archive(bytes);
    archive(value);
  }
  return bytes;
}

/// Reads a whole body; throws Error(corrupt) if it does not end exactly there.
template <class T>
void fromRecord(std::string_view bytes, T& value) {
  RecordIn archive(bytes);
  archive(value);
  archive.finish();
}

// ---- templates ----

template <class T>
void RecordOut::write(const T& value) {
  if constexpr (detail::isWide<T>) {
    writeNumber(detail::toUnsigned(value));
  } else if constexpr (detail::isPlain<T> && sizeof(T) == 1) {
    writeByte(static_cast<std::uint8_t>(value));
  } else if constexpr (detail::isPlain<T>) {
    static_assert(!std::is_same_v<T, long double>, "A long double's bytes depend on the machine.");
    raw(&value, sizeof value);
  } else if constexpr (std::is_same_v<T, bool>) {
    writeByte(value ? 1 : 0);
  } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>) {
    writeCount(value.size());
    raw(value.data(), value.size());
  } else if constexpr (std::is_same_v<T, Uuid>) {
    writeUuid(value);
  } else if constexpr (detail::isTaggedId<T>) {
    writeUuid(value.value);
  } else if constexpr (detail::isA<T, cereal::NameValuePair>) {
    write(value.value);
  } else if constexpr (detail::isA<T, cereal::SizeTag>) {
    writeCount(static_cast<std::size_t>(value.size));
  } else if constexpr (detail::isBaseClass<T>) {
    writeClass(static_cast<const std::remove_cvref_t<decltype(*value.base_ptr)>&>(*value.base_ptr));
  } else if constexpr (detail::isA<T, std::optional>) {
    write(value.has_value());
    if (value) write(*value);
  } else if constexpr (detail::isA<T, std::chrono::duration>) {
    write(value.count());
  } else if constexpr (detail::isA<T, std::pair> || detail::isA<T, std::tuple>) {
    std::apply([this](const auto&... parts) { (this->write(parts), ...); }, value);
  } else if constexpr (detail::isStdArray<T>) {
    for (const auto& element : value) write(element);
  } else if constexpr (!detail::SavesItself<T, RecordOut> &&
                       (detail::MapLike<T> || detail::SetLike<T> || detail::SequenceLike<T>)) {
    writeCounted(value);
  } else {
    writeClass(value);
  }
}

template <class T>
void RecordOut::writeCounted(const T& value) {
  static_assert(!std::is_empty_v<typename T::value_type>, "Elements without bytes could not be counted on reading.");
  static_assert(!detail::Unordered<T>, "The order of an unordered container differs from process to process.");
  enter();
  writeCount(value.size());
  if constexpr (detail::isPlainSequence<T>)
    raw(value.data(), value.size() * sizeof(typename T::value_type));
  else if constexpr (std::is_same_v<T, std::vector<bool>>)
    for (const bool element : value) write(element);
  else
    for (const auto& element : value) write(element);
  leave();
}

template <class T>
void RecordOut::writeClass(const T& value) {
  enter();
  if constexpr (detail::SavesMinimal<T, RecordOut>) {
    write(detail::saveMinimal(*this, value));
  } else {
    std::uint32_t version = 0;
    if constexpr (detail::SavesVersioned<T, RecordOut>) write(version = detail::classVersionOf<T>());
    detail::saveMembers(*this, value, version);
  }
  leave();
}

template <class T>
void RecordIn::read(T& value) {
  using Value = std::remove_const_t<T>;
  if constexpr (detail::isWide<Value>) {
    readWide(value);
  } else if constexpr (detail::isPlain<Value> && sizeof(Value) == 1) {
    value = static_cast<Value>(byte());
  } else if constexpr (detail::isPlain<Value>) {
    raw(&value, sizeof value);
  } else if constexpr (std::is_same_v<Value, bool>) {
    value = flag();
  } else if constexpr (std::is_same_v<Value, std::string>) {
    const std::size_t size = count();
    if (size == 0) return value.clear();  // most texts of a row are empty
    value.assign(at_, size);
    at_ += size;
  } else if constexpr (std::is_same_v<Value, Uuid>) {
    readUuid(value);
  } else if constexpr (detail::isTaggedId<Value>) {
    readUuid(value.value);
  } else if constexpr (detail::isA<Value, cereal::NameValuePair>) {
    read(value.value);
  } else if constexpr (detail::isA<Value, cereal::SizeTag>) {
    value.size = count();
  } else if constexpr (detail::isBaseClass<Value>) {
    readClass(*value.base_ptr);
  } else if constexpr (detail::isA<Value, std::optional>) {
    if (!flag()) return value.reset();
    read(value.emplace());
  } else if constexpr (detail::isA<Value, std::chrono::duration>) {
    typename Value::rep ticks{};
    read(ticks);
    value = Value{ticks};
  } else if constexpr (detail::isA<Value, std::pair> || detail::isA<Value, std::tuple>) {
    std::apply([this](auto&... parts) { (this->read(parts), ...); }, value);
  } else if constexpr (detail::isStdArray<Value>) {
    for (auto& element : value) read(element);
  } else if constexpr (!detail::LoadsItself<Value, RecordIn> &&
                       (detail::MapLike<Value> || detail::SetLike<Value> || detail::SequenceLike<Value>)) {
    readCounted(value);
  } else {
    readClass(value);
  }
}

template <class T>
void RecordIn::readCounted(T& value) {
  enter();
  const std::size_t size = count();
  value.clear();
  if constexpr (detail::isPlainSequence<T>) {
    if (size > bytesLeft() / sizeof(typename T::value_type))
      detail::failRecord(offset(), "a size is larger than what follows");
    value.resize(size);
    if (size > 0) raw(value.data(), size * sizeof(typename T::value_type));
  } else {
    // Grown element by element, so that memory is taken only for what is really there.
    if constexpr (requires { value.reserve(size); }) value.reserve(std::min<std::size_t>(size, 4));
    for (std::size_t index = 0; index < size; ++index) {
      if constexpr (detail::MapLike<T>) {
        typename T::key_type key{};
        typename T::mapped_type mapped{};
        read(key);
        read(mapped);
        if (!value.empty() && value.key_comp()(key, value.rbegin()->first))
          detail::failRecord(offset(), "keys are not in order");
        value.emplace_hint(value.end(), std::move(key), std::move(mapped));
      } else {
        typename T::value_type element{};
        read(element);
        if constexpr (detail::SetLike<T>) {
          if (!value.empty() && value.key_comp()(element, *value.rbegin()))
            detail::failRecord(offset(), "keys are not in order");
          value.insert(value.end(), std::move(element));
        } else {
          value.push_back(std::move(element));
        }
      }
    }
    if (value.size() != size) detail::failRecord(offset(), "a key stands there twice");
  }
  leave();
}

template <class T>
void RecordIn::readClass(T& value) {
  enter();
  if constexpr (detail::LoadsMinimal<T, RecordIn>) {
    detail::loadMinimal<RecordOut>(*this, value, [this](auto& plain) { this->read(plain); });
  } else {
    std::uint32_t version = 0;
    if constexpr (detail::LoadsVersioned<T, RecordIn>) read(version);
    detail::loadMembers(*this, value, version);
  }
  leave();
}

}  // namespace v1
}  // namespace callsheet

CEREAL_SETUP_ARCHIVE_TRAITS(callsheet::RecordIn, callsheet::RecordOut)
