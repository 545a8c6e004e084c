#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/job_order.h"

// Key bytes of the LMDB store. Big endian, so that comparing bytes is comparing values. docs/store_format.md shows
// them.
namespace callsheet {
inline namespace v1 {
namespace keys {

/// A key under construction; LMDB's own limit is 511 bytes.
class Key {
 public:
  void add(std::uint8_t value) { bytes_[size_++] = static_cast<char>(value); }
  void add(std::uint32_t value) { addBig(value, 4); }
  void add(std::uint64_t value) { addBig(value, 8); }
  /// The sign bit is flipped, so that negative values come first.
  void add(std::int64_t value) { addBig(static_cast<std::uint64_t>(value) ^ (std::uint64_t{1} << 63), 8); }
  void add(const Uuid& uuid);
  /// The text and a zero byte; names hold no control characters, so the order of texts is kept.
  void addText(std::string_view text);
  void addBytes(std::string_view bytes);
  [[nodiscard]] std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  void addBig(std::uint64_t value, int width) {
    for (int i = width - 1; i >= 0; --i) bytes_[size_++] = static_cast<char>(value >> (8 * i));
  }
  std::array<char, 511> bytes_;
  std::size_t size_ = 0;
};

/// The `job` table: all rows of a job stand together under its id.
enum class JobPart : std::uint8_t { row = 0, body = 1, result = 2, log = 3 };
[[nodiscard]] Key jobKey(JobID id, JobPart part);
[[nodiscard]] Key logKey(JobID id, std::uint32_t index);
/// The first 16 bytes.
[[nodiscard]] JobID jobIDOf(std::string_view key);

/// The `index` table: one order for each leading letter.
enum class Order : std::uint8_t {
  attached = 'a',
  deadline = 't',
  done = 'd',
  ready = 'r',
  shortID = 's',
  unreadable = 'u',
  waiting = 'w',
};
[[nodiscard]] Key encode(const ReadyKey& key);
[[nodiscard]] Key encode(const WaitingKey& key);
[[nodiscard]] Key encode(const AttachedKey& key);
[[nodiscard]] Key encode(const DeadlineKey& key);
[[nodiscard]] Key encode(const DoneKey& key);
[[nodiscard]] Key shortIDKey(JobID id);
[[nodiscard]] Key unreadableKey(JobID id);
/// Nothing for a key of another order, or one that is no key of ours.
[[nodiscard]] std::optional<ReadyKey> decodeReady(std::string_view key);
[[nodiscard]] std::optional<WaitingKey> decodeWaiting(std::string_view key);
[[nodiscard]] std::optional<AttachedKey> decodeAttached(std::string_view key);
[[nodiscard]] std::optional<DeadlineKey> decodeDeadline(std::string_view key);
[[nodiscard]] std::optional<DoneKey> decodeDone(std::string_view key);

/// The `meta` table.
[[nodiscard]] std::string_view storeKey();
[[nodiscard]] std::string_view totalsKey();
[[nodiscard]] Key incarnationKey(IncarnationID id);
[[nodiscard]] Key businessKey(std::string_view key);

}  // namespace keys
}  // namespace v1
}  // namespace callsheet
