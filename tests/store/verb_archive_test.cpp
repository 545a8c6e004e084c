#include "store/verb_archive.h"

#include <catch2/catch.hpp>
#include <span>
#include <string>
#include <vector>

#include "core/crc32c.h"
#include "tests/support/lossy_store.h"
#include "tests/support/seed.h"
#include "tests/support/verbs.h"

// That every verb and answer comes out as it went in is shown by the conformance tests, which hand over whatever the
// lossy stores are given and answer.
using namespace callsheet;
using namespace callsheet::tests;

namespace {

Uuid uuidOf(std::uint8_t byte) {
  Uuid uuid;
  uuid.bytes.fill(byte);
  return uuid;
}

NewJob fixedJob() {
  NewJob job;
  job.id = JobID{uuidOf(1)};
  job.kind = "kind";
  job.priority = -3;
  job.delayMicros = 5;
  job.keyWindowMicros = 7;
  job.body.parameters = R"({"a":1})";
  job.body.key = "key";
  job.body.labels = {{"l", "v"}};
  job.body.after = {{JobID{uuidOf(5)}, EndCondition::failure}};
  job.body.parent = JobID{uuidOf(6)};
  job.body.answers = Fingerprint{uuidOf(7)};
  return job;
}

template <class Variant, std::size_t... index>
std::string allOf(std::index_sequence<index...>, const std::vector<Variant>& more) {
  std::string bytes;
  {
    RecordOut archive(bytes);
    (handed::write(archive, Variant(std::in_place_index<index>)), ...);
    for (const Variant& one : more) handed::write(archive, one);
  }
  return bytes;
}

Definition fixedDefinition() {
  Definition definition;
  definition.kind = "k";
  definition.runner = Runner::remote;
  definition.concurrencyLimit = 3;
  definition.paramsSchema = "{}";
  return definition;
}

std::string fixedVerbs() {
  const AttemptRef attempt{JobID{uuidOf(1)}, ExecID{uuidOf(2)}, IncarnationID{uuidOf(3)}};
  MemoRow memo;
  memo.id = Fingerprint{uuidOf(4)};
  memo.name = "step";
  return allOf<Verb>(
      std::make_index_sequence<std::variant_size_v<Verb>>(),
      {Submit{IncarnationID{uuidOf(3)}, "name", true, {fixedJob(), fixedJob()}}, SaveResult{attempt, {memo}},
       Suspend{attempt, {memo}}, SetQueue{"gpu", 2, true, true}, PutDefinitions{{fixedDefinition(), fixedDefinition()}},
       Fail{attempt, {"t", "m", "o", "{}"}, false, 9, "left", {fixedJob()}}});
}

std::string fixedAnswers() {
  Claim::Answer claim;
  claim.jobs.resize(1);
  claim.jobs[0].row.id = JobID{uuidOf(1)};
  claim.jobs[0].row.recentLog.resize(1);
  claim.jobs[0].body = fixedJob().body;
  Submit::Answer submit;
  submit.jobs.push_back({Verdict::duplicate, JobID{uuidOf(1)}, "why"});
  return allOf<AnyAnswer>(std::make_index_sequence<std::variant_size_v<AnyAnswer>>(), {claim, submit});
}

std::uint32_t sumOf(const std::string& bytes) {
  return crc32c(0, std::as_bytes(std::span(bytes)));
}

template <class Variant>
std::vector<Variant> readAll(std::string_view bytes) {
  std::vector<Variant> all;
  RecordIn archive(bytes);
  while (archive.bytesLeft() > 0) handed::read(archive, all.emplace_back());
  return all;
}

}  // namespace

TEST_CASE("The form in which processes hand over verbs and answers changes only with the layout of the board") {
  // Two versions of it would misread each other. Whoever changes it raises layoutVersion in ipc/board_bytes.h, which
  // keeps them apart, and then these sums.
  CHECK(sumOf(fixedVerbs()) == 0x62ff07e8);
  CHECK(sumOf(fixedAnswers()) == 0x3fd60038);
}

TEST_CASE("Whatever bytes are handed over, they are read as verbs and answers or refused with an error") {
  const std::uint64_t seed = randomSeed();
  INFO("CALLSHEET_SEED=" << seed);
  Dice dice(seed);
  const std::string verbs = fixedVerbs();
  const std::string answers = fixedAnswers();
  std::size_t refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = i % 2 == 0 ? verbs : answers;
    for (std::uint32_t changes = 1 + dice.roll(4); changes > 0; --changes)
      bytes[dice.roll(static_cast<std::uint32_t>(bytes.size()))] = static_cast<char>(dice.bits());
    bytes.resize(dice.roll(static_cast<std::uint32_t>(bytes.size()) + 1));
    try {
      if (i % 2 == 0)
        (void)readAll<Verb>(bytes);
      else
        (void)readAll<AnyAnswer>(bytes);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::corrupt);
      ++refused;
    }
  }
  CHECK(refused > 10'000);
}
