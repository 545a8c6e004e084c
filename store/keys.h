#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/definition_row.h"
#include "core/job_order.h"
#include "core/memo_row.h"
#include "core/schedule_row.h"

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

/// The regions of the store, by the first byte of their keys. Jobs and their parts have trees of their own, all else
/// stands in one: first what is small and written all the time, so that few pages hold it, last what grows at its end.
enum class Region : std::uint8_t {
  attached = 'A',
  scheduleSettings = 'B',
  lane = 'C',
  definition = 'D',
  incarnation = 'I',
  meta = 'M',
  due = 'N',  ///< schedules, by when
  openLane = 'O',
  queue = 'Q',
  ready = 'R',
  schedule = 'S',
  deadline = 'T',
  unreadable = 'U',
  waiting = 'W',
  dependency = 'd',
  businessKey = 'k',
  occurrence = 'o',
  shortID = 's',  ///< of ids that do not carry their time
  done = 'z',
  job = 'j',
  part = 'p',  ///< a job's body, result and log: written once and seldom read, so not between the rows
};
[[nodiscard]] Region regionOf(std::string_view key);

/// A job's row stands in its own region, the other parts together under its id.
enum class JobPart : std::uint8_t { row = 0, body = 1, result = 2, log = 3, memo = 4 };
[[nodiscard]] Key jobKey(JobID id, JobPart part);
[[nodiscard]] Key logKey(JobID id, std::uint32_t index);
[[nodiscard]] Key memoKey(JobID id, Fingerprint memo);
/// The fingerprint in a memo's key.
[[nodiscard]] Fingerprint fingerprintOf(std::string_view key);
/// The id in a key of the regions job, part and unreadable.
[[nodiscard]] JobID jobIDOf(std::string_view key);
/// The part; `row` for a key of the region job.
[[nodiscard]] JobPart partOf(std::string_view key);

[[nodiscard]] Key encode(const ReadyKeyView& key);
[[nodiscard]] inline Key encode(const ReadyKey& key) {
  return encode(ReadyKeyView{key.owner, key.kind, key.queue, key.lane, key.rank, key.sequence});
}
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
[[nodiscard]] Key encode(const OpenLaneKey& key);
[[nodiscard]] std::optional<OpenLaneKey> decodeOpenLane(std::string_view key);

[[nodiscard]] Key encode(const DependencyKey& key);
[[nodiscard]] std::optional<DependencyKey> decodeDependency(std::string_view key);

[[nodiscard]] Key scheduleKey(std::string_view name);
[[nodiscard]] Key scheduleSettingsKey(std::string_view name);
/// The name in either of those.
[[nodiscard]] std::string_view scheduleOf(std::string_view key);
[[nodiscard]] Key encode(const DueKey& key);
[[nodiscard]] std::optional<DueKey> decodeDue(std::string_view key);
[[nodiscard]] Key encode(const OccurrenceKey& key);
[[nodiscard]] std::optional<OccurrenceKey> decodeOccurrence(std::string_view key);

[[nodiscard]] Key queueKey(std::string_view name);
/// The name in a queue's key.
[[nodiscard]] std::string_view queueOf(std::string_view key);
[[nodiscard]] Key definitionKey(std::string_view kind);
/// The kind in a definition's key.
[[nodiscard]] std::string_view kindOf(std::string_view key);
[[nodiscard]] Key laneKey(std::string_view kind, std::uint64_t lane);
struct LaneOf {
  std::string kind;
  std::uint64_t lane = 0;
};
[[nodiscard]] std::optional<LaneOf> decodeLane(std::string_view key);

[[nodiscard]] std::string_view storeKey();
[[nodiscard]] std::string_view totalsKey();
[[nodiscard]] Key incarnationKey(IncarnationID id);
[[nodiscard]] Key businessKey(std::string_view key);

}  // namespace keys
}  // namespace v1
}  // namespace callsheet
