#include "store/keys.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace callsheet {
inline namespace v1 {
namespace keys {

void Key::add(const Uuid& uuid) {
  std::memcpy(bytes_.data() + size_, uuid.bytes.data(), 16);
  size_ += 16;
}

void Key::addText(std::string_view text) {
  addBytes(text);
  bytes_[size_++] = '\0';
}

void Key::addBytes(std::string_view bytes) {
  if (size_ + bytes.size() + 64 > bytes_.size()) std::abort();  // the validator bounds every text in a key
  std::copy(bytes.begin(), bytes.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(size_));
  size_ += bytes.size();
}

namespace {

Key begin(Region region) {
  Key key;
  key.add(static_cast<std::uint8_t>(region));
  return key;
}

/// Takes a key apart from the front; every step answers whether there was enough.
class Reader {
 public:
  Reader(std::string_view bytes, Region region) : rest_(bytes) {
    good_ = !rest_.empty() && rest_[0] == static_cast<char>(region);
    if (good_) rest_.remove_prefix(1);
  }
  Uuid uuid() {
    Uuid value;
    if (take(16)) std::memcpy(value.bytes.data(), taken_.data(), 16);
    return value;
  }
  /// None larger than `most` is good.
  std::uint8_t u8(std::uint8_t most) {
    const std::uint8_t value = take(1) ? static_cast<std::uint8_t>(taken_[0]) : 0;
    good_ = good_ && value <= most;
    return value;
  }
  std::uint64_t u64() {
    std::uint64_t value = 0;
    if (take(8))
      for (const char c : taken_) value = value << 8 | static_cast<std::uint8_t>(c);
    return value;
  }
  std::int64_t i64() { return static_cast<std::int64_t>(u64() ^ (std::uint64_t{1} << 63)); }
  std::string text() {
    const auto end = good_ ? rest_.find('\0') : std::string_view::npos;
    if (end == std::string_view::npos) {
      good_ = false;
      return {};
    }
    std::string value(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return value;
  }
  [[nodiscard]] bool ended() const { return good_ && rest_.empty(); }

 private:
  bool take(std::size_t count) {
    good_ = good_ && rest_.size() >= count;
    if (!good_) return false;
    taken_ = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return true;
  }
  std::string_view rest_;
  std::string_view taken_;
  bool good_;
};

}  // namespace

Region regionOf(std::string_view key) {
  return static_cast<Region>(key.empty() ? 0 : key[0]);
}

Key jobKey(JobID id, JobPart part) {
  Key key = begin(part == JobPart::row ? Region::job : Region::part);
  key.add(id.value);
  if (part != JobPart::row) key.add(static_cast<std::uint8_t>(part));
  return key;
}

Key logKey(JobID id, std::uint32_t index) {
  Key key = jobKey(id, JobPart::log);
  key.add(index);
  return key;
}

Key memoKey(JobID id, Fingerprint memo) {
  Key key = jobKey(id, JobPart::memo);
  key.add(memo.value);
  return key;
}

Fingerprint fingerprintOf(std::string_view key) {
  Fingerprint memo;
  if (key.size() == 34) std::memcpy(memo.value.bytes.data(), key.data() + 18, 16);
  return memo;
}

JobID jobIDOf(std::string_view key) {
  JobID id;
  if (key.size() >= 17) std::memcpy(id.value.bytes.data(), key.data() + 1, 16);
  return id;
}

JobPart partOf(std::string_view key) {
  return regionOf(key) == Region::part && key.size() >= 18 ? static_cast<JobPart>(key[17]) : JobPart::row;
}

Key encode(const ReadyKeyView& ready) {
  Key key = begin(Region::ready);
  key.add(ready.owner.value);
  key.addText(ready.kind);
  key.addText(ready.queue);
  key.add(ready.lane);
  key.add(ready.rank);
  key.add(ready.sequence);
  return key;
}

Key encode(const WaitingKey& waiting) {
  Key key = begin(Region::waiting);
  key.add(waiting.owner.value);
  key.add(waiting.wakeAt);
  key.add(waiting.id.value);
  return key;
}

Key encode(const AttachedKey& attached) {
  Key key = begin(Region::attached);
  key.add(attached.incarnation.value);
  key.add(attached.id.value);
  return key;
}

Key encode(const DeadlineKey& deadline) {
  Key key = begin(Region::deadline);
  key.add(deadline.bootID);
  key.add(deadline.deadlineNanos);
  key.add(deadline.id.value);
  return key;
}

Key encode(const DoneKey& done) {
  Key key = begin(Region::done);
  key.add(done.finishedAt);
  key.add(done.id.value);
  return key;
}

Key shortIDKey(JobID id) {
  Key key = begin(Region::shortID);
  key.addBytes({reinterpret_cast<const char*>(id.value.bytes.data()) + 12, 4});
  key.add(id.value);
  return key;
}

Key unreadableKey(JobID id) {
  Key key = begin(Region::unreadable);
  key.add(id.value);
  return key;
}

std::optional<ReadyKey> decodeReady(std::string_view bytes) {
  Reader reader(bytes, Region::ready);
  ReadyKey key;
  key.owner.value = reader.uuid();
  key.kind = reader.text();
  key.queue = reader.text();
  key.lane = reader.u64();
  key.rank = reader.i64();
  key.sequence = reader.u64();
  return reader.ended() ? std::optional(std::move(key)) : std::nullopt;
}

std::optional<WaitingKey> decodeWaiting(std::string_view bytes) {
  Reader reader(bytes, Region::waiting);
  WaitingKey key;
  key.owner.value = reader.uuid();
  key.wakeAt = reader.i64();
  key.id.value = reader.uuid();
  return reader.ended() ? std::optional(key) : std::nullopt;
}

std::optional<AttachedKey> decodeAttached(std::string_view bytes) {
  Reader reader(bytes, Region::attached);
  AttachedKey key;
  key.incarnation.value = reader.uuid();
  key.id.value = reader.uuid();
  return reader.ended() ? std::optional(key) : std::nullopt;
}

std::optional<DeadlineKey> decodeDeadline(std::string_view bytes) {
  Reader reader(bytes, Region::deadline);
  DeadlineKey key;
  key.bootID = reader.uuid();
  key.deadlineNanos = reader.i64();
  key.id.value = reader.uuid();
  return reader.ended() ? std::optional(key) : std::nullopt;
}

std::optional<DoneKey> decodeDone(std::string_view bytes) {
  Reader reader(bytes, Region::done);
  DoneKey key;
  key.finishedAt = reader.i64();
  key.id.value = reader.uuid();
  return reader.ended() ? std::optional(key) : std::nullopt;
}

Key encode(const OpenLaneKey& open) {
  Key key = begin(Region::openLane);
  key.add(open.owner.value);
  key.addText(open.kind);
  key.addText(open.queue);
  key.add(open.rank);
  key.add(open.sequence);
  key.add(open.lane);
  return key;
}

std::optional<OpenLaneKey> decodeOpenLane(std::string_view bytes) {
  Reader reader(bytes, Region::openLane);
  OpenLaneKey key;
  key.owner.value = reader.uuid();
  key.kind = reader.text();
  key.queue = reader.text();
  key.rank = reader.i64();
  key.sequence = reader.u64();
  key.lane = reader.u64();
  return reader.ended() ? std::optional(std::move(key)) : std::nullopt;
}

Key encode(const DependencyKey& dependency) {
  Key key = begin(Region::dependency);
  key.add(static_cast<std::uint8_t>(dependency.stage));
  key.add(dependency.prerequisite.value);
  key.add(dependency.dependent.value);
  return key;
}

std::optional<DependencyKey> decodeDependency(std::string_view bytes) {
  Reader reader(bytes, Region::dependency);
  DependencyKey key;
  key.stage = static_cast<DependencyKey::Stage>(reader.u8(static_cast<std::uint8_t>(DependencyKey::Stage::settled)));
  key.prerequisite.value = reader.uuid();
  key.dependent.value = reader.uuid();
  return reader.ended() ? std::optional(key) : std::nullopt;
}

Key scheduleKey(std::string_view name) {
  Key key = begin(Region::schedule);
  key.addBytes(name);
  return key;
}

Key scheduleSettingsKey(std::string_view name) {
  Key key = begin(Region::scheduleSettings);
  key.addBytes(name);
  return key;
}

std::string_view scheduleOf(std::string_view key) {
  const Region region = regionOf(key);
  return region == Region::schedule || region == Region::scheduleSettings ? key.substr(1) : std::string_view();
}

Key encode(const DueKey& due) {
  Key key = begin(Region::due);
  key.add(due.at);
  key.addText(due.name);
  return key;
}

std::optional<DueKey> decodeDue(std::string_view bytes) {
  Reader reader(bytes, Region::due);
  DueKey key;
  key.at = reader.i64();
  key.name = reader.text();
  return reader.ended() ? std::optional(std::move(key)) : std::nullopt;
}

Key encode(const OccurrenceKey& occurrence) {
  Key key = begin(Region::occurrence);
  key.addText(occurrence.schedule);
  key.add(occurrence.job.value);
  return key;
}

std::optional<OccurrenceKey> decodeOccurrence(std::string_view bytes) {
  Reader reader(bytes, Region::occurrence);
  OccurrenceKey key;
  key.schedule = reader.text();
  key.job.value = reader.uuid();
  return reader.ended() ? std::optional(std::move(key)) : std::nullopt;
}

Key queueKey(std::string_view name) {
  Key key = begin(Region::queue);
  key.addBytes(name);
  return key;
}

std::string_view queueOf(std::string_view key) {
  return regionOf(key) == Region::queue ? key.substr(1) : std::string_view();
}

Key definitionKey(std::string_view kind) {
  Key key = begin(Region::definition);
  key.addBytes(kind);
  return key;
}

std::string_view kindOf(std::string_view key) {
  return regionOf(key) == Region::definition ? key.substr(1) : std::string_view();
}

Key laneKey(std::string_view kind, std::uint64_t lane) {
  Key key = begin(Region::lane);
  key.addText(kind);
  key.add(lane);
  return key;
}

std::optional<LaneOf> decodeLane(std::string_view bytes) {
  Reader reader(bytes, Region::lane);
  LaneOf lane;
  lane.kind = reader.text();
  lane.lane = reader.u64();
  return reader.ended() ? std::optional(std::move(lane)) : std::nullopt;
}

std::string_view storeKey() {
  return "Mstore";
}
std::string_view totalsKey() {
  return "Mtotals";
}

Key incarnationKey(IncarnationID id) {
  Key key = begin(Region::incarnation);
  key.add(id.value);
  return key;
}

Key businessKey(std::string_view bytes) {
  Key key = begin(Region::businessKey);
  key.addBytes(bytes);
  return key;
}

}  // namespace keys
}  // namespace v1
}  // namespace callsheet
