// The bytes of records: what was written once must be read for ever. The golden files are written anew only by
// CALLSHEET_WRITE_GOLDEN=1, and a change in them is a change of the store's format.
#include "store/record.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/rows.h"
#include "store/keys.h"
#include "store/lmdb_environment.h"

using namespace callsheet;

namespace {

Uuid uuidOf(std::uint8_t first) {
  Uuid uuid;
  for (std::size_t i = 0; i < 16; ++i) uuid.bytes[i] = static_cast<std::uint8_t>(first + i);
  return uuid;
}
const JobID jobID{uuidOf(0x01)};

JobRow sampleRow() {
  JobRow row;
  row.state = JobState::inProgress;
  row.waitingFor = WaitReason::backoff;
  row.outcome = JobOutcome::failed;
  row.runner = Runner::command;
  row.cancelRequested = true;
  row.stalled = true;
  row.alone = true;
  row.lastEnd = Move::unclaim;
  row.holderKind = HolderKind::shim;
  row.owner = IncarnationID{uuidOf(0x11)};
  row.holder = uuidOf(0x22);
  row.execID = ExecID{uuidOf(0x33)};
  row.attempt = 5;
  row.started = 4;
  row.failures = 3;
  row.holderDeaths = 2;
  row.version = 0x0102030405060708;
  row.logCount = 17;
  row.memoCount = 300;
  row.memoBytes = 70'000;
  row.priority = -5;
  row.kind = "resize-image";
  row.queue = "default";
  row.lane = 0xFFEEDDCCBBAA9988;
  row.sequence = 99;
  row.readyAt = 1'749'999'940'000'000;  // before createdAt, as the first in line after its holder's death
  row.wakeAt = never;
  row.deadlineNanos = 123'456'789'000;
  row.deadlineBootID = uuidOf(0x44);
  row.createdAt = 1'750'000'000'000'000;
  row.startedAt = row.createdAt;
  row.finishedAt = 0;
  row.keyUntil = 1'760'000'000'000'000;
  row.progress = 0.75f;
  row.progressText = "three of four";
  for (const std::int64_t at : {0, 1, 130}) {
    LogEntry entry;
    entry.at = row.createdAt + at;
    entry.move = Move::suspend;
    entry.before = JobState::inProgress;
    entry.after = JobState::waiting;
    entry.waitingFor = WaitReason::sleep;
    entry.attempt = static_cast<std::uint32_t>(at);
    entry.actor = row.holder;
    entry.timer = entry.at + 60'000'000;
    entry.note = at == 0 ? "" : "nightly";
    row.recentLog.push_back(entry);
  }
  return row;
}

MemoRow sampleMemo() {
  MemoRow memo;
  memo.parent.value = uuidOf(0xDD);
  memo.label = "images";
  memo.name = "resize-image";
  memo.state = MemoState::failed;
  memo.attempts = 200;
  memo.storedAt = 1'750'000'000'000'000;
  memo.tookMicros = 1'500'000;
  memo.wakeAt = never;
  memo.value = R"({"rows":3})";
  memo.valueBytes = 10;
  memo.failure = {"io", "the disk is gone", "resize-image", "{}"};
  memo.waitedBy = 4;
  return memo;
}

JobBody sampleBody() {
  JobBody body;
  body.kindVersion = 2;
  body.parameters = R"({"path":"/data/ä.png"})";
  body.binary = true;
  body.retry = {4, std::chrono::seconds{3}, 1.5, std::chrono::minutes{7}, 0.25};
  body.attemptLimitMicros = 60'000'000;
  body.submitter = IncarnationID{uuidOf(0x55)};
  body.submitterName = "left";
  body.key = std::string("report\0 42", 10);
  body.parent = JobID{uuidOf(0x66)};
  body.retryOf = JobID{uuidOf(0x77)};
  body.requester = "somebody";
  body.traceparent = "00-aa-bb-01";
  body.blob = "file:x";
  body.definitionVersion = 8;
  body.labels = {{"run", "7"}, {"tenant", "north"}};
  return body;
}

IncarnationRow sampleIncarnation() {
  IncarnationRow row;
  row.name = "left";
  row.role = Role::executor;
  row.closing = Closing::hung;
  row.emptied = true;
  row.bootID = uuidOf(0x88);
  row.openedAt = 10;
  row.closedAt = 20;
  row.lastClaim = ClaimID{uuidOf(0x99)};
  row.kinds = {"a", "b/c"};
  row.adopted = 30;
  return row;
}

DefinitionRow sampleDefinition() {
  DefinitionRow row;
  row.runner = Runner::remote;
  row.requestedToStartTimeoutMicros = 500'000;
  row.inProgressTimeoutMicros = 1'000'000;
  row.allowedRetryCount = 2;
  row.retryDelayMicros = 200'000;
  row.retryBackoff = 2;
  row.retryOnFail = true;
  row.concurrencyLimit = 4;
  row.concurrencyPath = "params.input.host";
  row.rate = {5, 1'000'000, 10};
  row.paramsSchema = R"({"type":"object"})";
  row.errorSchema = "true";
  row.version = 3;
  row.updatedAt = 1'750'000'000'000'000;
  row.laning = DefinitionRow::Laning::ready;
  row.readyFrom = {IncarnationID{uuidOf(0x12)}, {}, "default", 5, -7, 9};
  return row;
}

Totals sampleTotals() {
  Totals totals;
  totals.sequence = 1;
  totals.submitted = 2;
  totals.ready = 3;
  totals.requested = 4;
  totals.inProgress = 5;
  for (std::uint64_t i = 0; i < 7; ++i) totals.waiting[i] = 10 + i;
  for (std::uint64_t i = 0; i < 4; ++i) totals.done[i] = 20 + i;
  return totals;
}

LogEntry sampleLogEntry() {
  LogEntry entry;
  entry.at = 1'750'000'000'000'000;
  entry.move = Move::retryLater;
  entry.before = JobState::inProgress;
  entry.after = JobState::waiting;
  entry.waitingFor = WaitReason::backoff;
  entry.attempt = 3;
  entry.actor = uuidOf(0xAA);
  entry.timer = 1'750'000'010'000'000;
  entry.note = "the disk is gone";
  return entry;
}

std::filesystem::path goldenFile(const std::string& name) {
  return std::filesystem::path(CALLSHEET_GOLDEN) / (name + ".hex");
}

std::string toHex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    text += digits[byte >> 4];
    text += digits[byte & 15];
    text += i % 32 == 31 || i + 1 == bytes.size() ? '\n' : ' ';
  }
  return text;
}

std::string fromHex(std::istream& stream) {
  std::string bytes;
  for (std::string pair; stream >> pair;) bytes += static_cast<char>(std::stoi(pair, nullptr, 16));
  return bytes;
}

template <class Body>
void checkGolden(const std::string& name, RecordType type, std::string_view key, const Body& sample) {
  INFO(name);
  std::string encoded;
  encodeRecord(type, key, sample, encoded);
  if (std::getenv("CALLSHEET_WRITE_GOLDEN") != nullptr) std::ofstream(goldenFile(name)) << toHex(encoded);
  std::ifstream file(goldenFile(name));
  REQUIRE(file);
  const std::string golden = fromHex(file);
  CHECK(toHex(encoded) == toHex(golden));
  Body decoded;
  decodeRecord(type, key, golden, decoded);
  if constexpr (requires { decoded == sample; }) CHECK(decoded == sample);
  std::string again;
  encodeRecord(type, key, decoded, again);
  CHECK(again == golden);
}

ErrorKind kindOfDecoding(RecordType type, std::string_view key, std::string_view bytes) {
  try {
    JobRow row;
    decodeRecord(type, key, bytes, row);
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::usage;
}

ScheduleRow sampleSchedule() {
  ScheduleRow row;
  row.generation = uuidOf(0x21);
  row.revision = 300;
  row.change = uuidOf(0x22);
  row.createdAt = 1'750'000'000'000'000;
  row.updatedAt = 1'750'000'001'000'000;
  row.isPaused = true;
  row.cursor = 1'760'000'000'000'000;
  row.next = 1'760'000'060'000'000;
  row.end = 1'770'000'000'000'000;
  row.firedAt = 1'760'000'000'000'000;
  row.lastJob = jobID;
  row.fired = 1000;
  row.skipped = 7;
  row.open = {jobID, JobID{uuidOf(0x23)}};
  row.skips = {{1'759'000'000'000'000, 6, SkippedFirings::Why::missed, {}},
               {1'759'500'000'000'000, 1, SkippedFirings::Why::overlap, jobID}};
  return row;
}

CalendarTiming sampleCalendar() {
  CalendarTiming timing;
  timing.times = {32'400, 61'200};
  timing.hours = 0x300;
  timing.minutes = 1;
  timing.seconds = 2;
  timing.days = 4;
  timing.daysFromEnd = 8;
  timing.months = 16;
  timing.weekdays = 32;
  timing.eitherDay = true;
  timing.years = {{2026, 2030, 2}};
  timing.zone = "Europe/Madrid";
  return timing;
}

Schedule sampleSettings(Timing timing) {
  Schedule schedule;
  schedule.keeper = "events";
  schedule.spec = "as it was written";
  schedule.timing = std::move(timing);
  schedule.policy = {MissedRuns::all, 50, 30'000'000};
  schedule.overlap = Overlap::replace;
  schedule.jitterMicros = 5'000'000;
  schedule.job.kind = "resize-image";
  schedule.job.runner = Runner::remote;
  schedule.job.queue = "gpu";
  schedule.job.priority = -7;
  schedule.job.body = sampleBody();
  return schedule;
}

}  // namespace

TEST_CASE("Every record type has the bytes of its golden file and is read from them") {
  checkGolden("meta", RecordType::meta, keys::storeKey(), StoreRecord{1, "power", 1'750'000'000'000'000, uuidOf(0xBB)});
  checkGolden("job_row", RecordType::jobRow, keys::jobKey(jobID, keys::JobPart::row).view(), sampleRow());
  checkGolden("job_body", RecordType::jobBody, keys::jobKey(jobID, keys::JobPart::body).view(), sampleBody());
  checkGolden("job_result", RecordType::jobResult, keys::jobKey(jobID, keys::JobPart::result).view(),
              ResultRow{R"({"rows":3})", {"io", "the disk is gone", "resize-image", "{}"}});
  checkGolden("log_entry", RecordType::logEntry, keys::logKey(jobID, 7).view(), sampleLogEntry());
  checkGolden("incarnation", RecordType::incarnation, keys::incarnationKey(IncarnationID{uuidOf(0xCC)}).view(),
              sampleIncarnation());
  checkGolden("business_key", RecordType::businessKey, keys::businessKey("report").view(),
              KeyRow{jobID, 1'760'000'000'000'000});
  checkGolden("memo", RecordType::memo, keys::memoKey(jobID, Fingerprint{uuidOf(0xEE)}).view(), sampleMemo());
  checkGolden("definition", RecordType::definition, keys::definitionKey("resize-image").view(), sampleDefinition());
  checkGolden("lane", RecordType::lane, keys::laneKey("resize-image", 7).view(),
              LaneRow{3, 123'456'789'000, uuidOf(0xEF)});
  JobBody usual = sampleBody();
  usual.retry = policyOfFormat1();
  checkGolden("job_body_usual_policy", RecordType::jobBody, keys::jobKey(jobID, keys::JobPart::body).view(), usual);
  JobBody after = sampleBody();
  after.after = {{JobID{uuidOf(0x13)}, EndCondition::always}, {JobID{uuidOf(0x14)}}};
  after.dueAt = 1'760'000'000'000'000;
  checkGolden("job_body_after", RecordType::jobBody, keys::jobKey(jobID, keys::JobPart::body).view(), after);
  checkGolden("queue", RecordType::queue, keys::queueKey("gpu").view(), QueueRow{{}, 4, true, 200});
  JobBody scheduled = sampleBody();
  scheduled.schedule = "nightly";
  scheduled.occurrence = 1'760'000'000'000'000;
  checkGolden("job_body_scheduled", RecordType::jobBody, keys::jobKey(jobID, keys::JobPart::body).view(), scheduled);
  JobBody answering = sampleBody();
  answering.answers = Fingerprint{uuidOf(0x15)};
  checkGolden("job_body_answers", RecordType::jobBody, keys::jobKey(jobID, keys::JobPart::body).view(), answering);
  JobRow answersWait = sampleRow();
  answersWait.answersWait = true;
  checkGolden("job_row_answers", RecordType::jobRow, keys::jobKey(jobID, keys::JobPart::row).view(), answersWait);
  checkGolden("schedule", RecordType::schedule, keys::scheduleKey("nightly").view(), sampleSchedule());
  checkGolden("schedule_interval", RecordType::scheduleSettings, keys::scheduleSettingsKey("nightly").view(),
              sampleSettings(IntervalTiming{1'760'000'000'000'000, 60'000'000, 1'770'000'000'000'000}));
  checkGolden("schedule_calendar", RecordType::scheduleSettings, keys::scheduleSettingsKey("nightly").view(),
              sampleSettings(sampleCalendar()));
  checkGolden("schedule_once", RecordType::scheduleSettings, keys::scheduleSettingsKey("nightly").view(),
              sampleSettings(OnceTiming{1'760'000'000'000'000}));
  checkGolden("totals", RecordType::totals, keys::totalsKey(), sampleTotals());
}

TEST_CASE("A record with any bit changed, cut or longer is corrupt") {
  const auto key = keys::jobKey(jobID, keys::JobPart::row);
  std::string bytes;
  encodeRecord(RecordType::jobRow, key.view(), sampleRow(), bytes);
  REQUIRE(kindOfDecoding(RecordType::jobRow, key.view(), bytes) == ErrorKind::usage);
  int undetected = 0;
  for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
    std::string changed = bytes;
    changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << (i % 8)));
    if (kindOfDecoding(RecordType::jobRow, key.view(), changed) != ErrorKind::corrupt) ++undetected;
  }
  CHECK(undetected == 0);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    if (kindOfDecoding(RecordType::jobRow, key.view(), bytes.substr(0, size)) != ErrorKind::corrupt) ++undetected;
  CHECK(undetected == 0);
  CHECK(kindOfDecoding(RecordType::jobRow, key.view(), bytes + "x") == ErrorKind::corrupt);
}

TEST_CASE("A record under another key or of another type is corrupt") {
  const auto key = keys::jobKey(jobID, keys::JobPart::row);
  std::string bytes;
  encodeRecord(RecordType::jobRow, key.view(), sampleRow(), bytes);
  CHECK(kindOfDecoding(RecordType::jobRow, keys::jobKey(makeJobID(), keys::JobPart::row).view(), bytes) ==
        ErrorKind::corrupt);
  CHECK(kindOfDecoding(RecordType::jobBody, key.view(), bytes) == ErrorKind::corrupt);
}

TEST_CASE("A record that needs a newer reader is unsupported, not corrupt") {
  const auto key = keys::jobKey(jobID, keys::JobPart::row);
  std::string bytes;
  encodeRecord(RecordType::jobRow, key.view(), sampleRow(), bytes);
  bytes[0] = 9;
  bytes[1] = 9;
  const auto crcOf = [](std::uint32_t before, std::string_view part) {
    return crc32c(before, std::as_bytes(std::span(part)));
  };
  const auto length = static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[4]) |  // zeros fill it up behind that
                                               static_cast<std::uint8_t>(bytes[5]) << 8);
  const std::uint32_t crc = crcOf(crcOf(crcOf(0, std::string_view(bytes).substr(0, 8)), key.view()),
                                  std::string_view(bytes).substr(recordHeaderBytes, length));
  for (std::size_t i = 0; i < 4; ++i) bytes[8 + i] = static_cast<char>(crc >> (8 * i));
  CHECK(kindOfDecoding(RecordType::jobRow, key.view(), bytes) == ErrorKind::unsupported);
}

namespace {

std::string bytesOfNumber(std::uint64_t number) {
  return toRecord(number);
}

struct TimeSince {
  std::int64_t base = 0;
  std::int64_t at = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(base);
    serializeTimeSince(archive, base, at);
  }
};

struct Policy {
  RetryPolicy policy;
  template <class Archive>
  void serialize(Archive& archive) {
    serializePolicy(archive, policy);
  }
};

template <class Value>
ErrorKind kindOfReading(std::string_view bytes) {
  try {
    Value value;
    fromRecord(bytes, value);
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::usage;
}

}  // namespace

TEST_CASE("A time of a row is stored as its difference, in few bytes, and comes back") {
  const std::int64_t base = 1'750'000'000'000'000;
  const std::string baseBytes = toRecord(base);
  const std::pair<std::int64_t, std::size_t> times[] = {
      {0, 1},         {base, 1},
      {base + 63, 1}, {base - 63, 1},
      {base + 64, 2}, {base - 64, 2},
      {1, 8},         {-1, 8},
      {never, 10},    {std::numeric_limits<std::int64_t>::min() + base + 1, 10}};
  for (const auto& [at, bytes] : times) {
    INFO(at);
    const std::string record = toRecord(TimeSince{base, at});
    CHECK(record.size() == baseBytes.size() + bytes);
    TimeSince read;
    fromRecord(record, read);
    CHECK(read.at == at);
  }
  for (const std::int64_t edge : {std::int64_t{1}, std::int64_t{-1}, never}) {
    TimeSince read;
    fromRecord(toRecord(TimeSince{0, edge}), read);
    CHECK(read.at == edge);
  }
}

TEST_CASE("A time that has no form of its own is refused instead of written as another") {
  // The only difference whose number would be that of no time at all.
  CHECK_THROWS_AS(toRecord(TimeSince{-1, never}), Error);
}

TEST_CASE("A time or a retry policy in another form than its own is corrupt") {
  const std::int64_t base = 1'750'000'000'000'000;
  // No time is 0, so a difference that leads to it is damage.
  const std::uint64_t toZero = (static_cast<std::uint64_t>(base) << 1) - 1 + 1;
  CHECK(kindOfReading<TimeSince>(toRecord(base) + bytesOfNumber(toZero + 2)) == ErrorKind::usage);
  CHECK(kindOfReading<TimeSince>(toRecord(base) + bytesOfNumber(toZero)) == ErrorKind::corrupt);
  // A number with a byte too many.
  CHECK(kindOfReading<TimeSince>(toRecord(base) + std::string("\x81\x00", 2)) == ErrorKind::corrupt);

  CHECK(toRecord(Policy{policyOfFormat1()}) == std::string(1, '\0'));
  RetryPolicy other = policyOfFormat1();
  ++other.maxAttempts;
  CHECK(kindOfReading<Policy>("\x01" + toRecord(other)) == ErrorKind::usage);
  CHECK(kindOfReading<Policy>("\x01" + toRecord(policyOfFormat1())) == ErrorKind::corrupt);
  CHECK(kindOfReading<Policy>("\x02" + toRecord(other)) == ErrorKind::corrupt);
}

TEST_CASE("A row with more log entries than a row may hold is corrupt") {
  JobRow row = sampleRow();
  row.recentLog.resize(limits::logEntriesInRow, row.recentLog.back());
  JobRow read;
  fromRecord(toRecord(row), read);
  CHECK(read.recentLog.size() == limits::logEntriesInRow);
  row.recentLog.push_back(row.recentLog.back());
  CHECK(kindOfReading<JobRow>(toRecord(row)) == ErrorKind::corrupt);
}
