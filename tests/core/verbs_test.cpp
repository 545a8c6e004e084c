#include "core/verbs.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <set>
#include <string>

#include "callsheet/limits.h"
#include "core/validator.h"

using namespace callsheet;

namespace {
template <std::size_t... index>
std::vector<Verb> oneOfEach(std::index_sequence<index...>) {
  return {Verb(std::in_place_index<index>)...};
}
std::vector<Verb> oneOfEach() {
  return oneOfEach(std::make_index_sequence<std::variant_size_v<Verb>>());
}
bool isRefused(const Verb& verb) {
  const auto why = whyRefused(verb);
  return why && why->size() > 10;
}
}  // namespace

TEST_CASE("Every verb has a name of its own, a size and an answer that fits it") {
  std::set<std::string_view> names;
  for (const Verb& verb : oneOfEach()) {
    CHECK(names.insert(nameOf(verb)).second);
    CHECK(sizeOf(verb) > 0);
    const AnyAnswer answer = answerWith(verb, Verdict::notDone, "later");
    CHECK(baseOf(answer).verdict == Verdict::notDone);
    CHECK(baseOf(answer).why == "later");
    CHECK(std::visit(
        [&](const auto& one) { return std::holds_alternative<typename std::decay_t<decltype(one)>::Answer>(answer); },
        verb));
  }
  CHECK(names.contains("requestTransfer"));
}

TEST_CASE("The size of a verb grows with what it carries") {
  Submit submit;
  submit.jobs.resize(1);
  submit.jobs[0].body.parameters.assign(100'000, 'x');
  CHECK(sizeOf(submit) > 100'000);
  Succeed succeed;
  succeed.value.assign(50'000, 'x');
  succeed.then = submit.jobs;
  CHECK(sizeOf(succeed) > 150'000);
  Fail fail;
  fail.failure.message.assign(1000, 'x');
  fail.value.assign(1000, 'x');
  CHECK(sizeOf(fail) > 2000);
  SaveResult save;
  save.memos.resize(2);
  for (std::string* text :
       {&save.memos[0].value, &save.memos[1].name, &save.memos[1].label, &save.memos[1].failure.type,
        &save.memos[1].failure.message, &save.memos[1].failure.payload})
    text->assign(1000, 'x');
  CHECK(sizeOf(save) > 6000);
  Suspend suspend;
  suspend.waits = save.memos;
  CHECK(sizeOf(suspend) > 6000);
  CompleteExternal complete;
  complete.value.assign(1000, 'x');
  complete.failure = save.memos[1].failure;
  CHECK(sizeOf(complete) > 4000);
}

TEST_CASE("Accepted are ok and its repeat, nothing else") {
  for (int verdict = 0; verdict <= static_cast<int>(Verdict::corrupt); ++verdict) {
    const auto one = static_cast<Verdict>(verdict);
    CHECK(isAccepted(one) == (one == Verdict::ok || one == Verdict::alreadyApplied));
    CHECK_FALSE(toString(one).empty());
  }
}

TEST_CASE("Progress that is no share of the whole is refused") {
  for (const float progress : {-0.01f, 1.01f, std::nanf(""), INFINITY, -INFINITY})
    CHECK(isRefused(Notify{{}, progress, {}, false}));
  for (const float progress : {0.0f, 0.5f, 1.0f}) CHECK_FALSE(whyRefused(Notify{{}, progress, {}, false}));
}

TEST_CASE("Incarnations need an id, a name where they have one, and kinds that are kinds") {
  RegisterIncarnation verb;
  verb.id = makeIncarnationID();
  verb.name = "left";
  verb.kinds = {"a", "b/c"};
  CHECK_FALSE(whyRefused(verb));
  RegisterIncarnation bad = verb;
  bad.id = {};
  CHECK(isRefused(bad));
  bad = verb;
  bad.kinds.push_back("a//b");
  CHECK(isRefused(bad));
  for (const char* version : {"a@1", "b/c@4294967295"}) {
    bad.kinds = {version};
    CHECK_FALSE(whyRefused(bad));
  }
  for (const char* version : {"a@", "a@0", "a@x", "a@1x", "a@1@2", "@1", "a@-1", "a@4294967296"}) {
    INFO(version);
    bad.kinds = {version};
    CHECK(isRefused(bad));
  }
  bad.kinds.assign(limits::claimKindsMax + 1, "a");
  CHECK(isRefused(bad));
  bad = verb;
  bad.name = ".";
  CHECK(isRefused(bad));
  bad.role = Role::executor;
  CHECK(isRefused(bad));
  bad.name.clear();
  CHECK_FALSE(whyRefused(bad));
}

TEST_CASE("The jobs that follow a success are validated as a submit is") {
  Succeed succeed;
  succeed.then.resize(1);
  succeed.then[0].id = makeJobID();
  succeed.then[0].kind = "k";
  CHECK_FALSE(whyRefused(succeed));
  succeed.then.push_back(succeed.then[0]);
  CHECK(isRefused(succeed));
  succeed.then.pop_back();
  succeed.then[0].kind = "no kind";
  CHECK(isRefused(succeed));
}

namespace {
MemoRow stepFor(MemoState state) {
  MemoRow memo;
  memo.id.value.bytes[0] = 1;
  memo.name = "step";
  memo.state = state;
  if (state == MemoState::waiting) memo.wakeAt = never;
  return memo;
}
}  // namespace

TEST_CASE("A list of steps is neither empty nor longer than a slice, and one of waits holds all that a job may have") {
  const MemoRow step = stepFor(MemoState::succeeded);
  const MemoRow wait = stepFor(MemoState::waiting);
  CHECK(isRefused(SaveResult{{}, {}}));
  CHECK(isRefused(Suspend{{}, {}}));
  CHECK_FALSE(whyRefused(SaveResult{{}, {limits::sliceRowsMax, step}}));
  CHECK_FALSE(whyRefused(Suspend{{}, {limits::treeNodesMax, wait}}));
  CHECK(isRefused(SaveResult{{}, {limits::sliceRowsMax + 1, step}}));
  CHECK(isRefused(Suspend{{}, {limits::treeNodesMax + 1, wait}}));
}

TEST_CASE("A saved step has a fingerprint and keeps the limits") {
  const MemoRow step = stepFor(MemoState::succeeded);
  CHECK_FALSE(whyRefused(SaveResult{{}, {step, stepFor(MemoState::failed)}}));
  CHECK_FALSE(whyRefused(SaveResult{{}, {step, stepFor(MemoState::waiting)}}));
  const auto refuses = [&](auto change) {
    MemoRow bad = step;
    change(bad);
    return isRefused(SaveResult{{}, {step, bad}});
  };
  CHECK(refuses([](MemoRow& memo) { memo.id = {}; }));
  CHECK(refuses([](MemoRow& memo) { memo.name.assign(limits::textBytesMax + 1, 'x'); }));
  CHECK(refuses([](MemoRow& memo) { memo.label.assign(limits::textBytesMax + 1, 'x'); }));
  CHECK(refuses([](MemoRow& memo) { memo.value.assign(limits::payloadBytesMax + 1, 'x'); }));
  CHECK(refuses([](MemoRow& memo) { memo.failure.message.assign(limits::errorBytesMax + 1, 'x'); }));
  CHECK(refuses([](MemoRow& memo) { memo.failure.payload.assign(limits::payloadBytesMax + 1, 'x'); }));
  CHECK(refuses([](MemoRow& memo) { memo.failure.type.assign(limits::textBytesMax + 1, 'x'); }));
  CHECK(refuses([](MemoRow& memo) { memo.failure.origin.assign(limits::textBytesMax + 1, 'x'); }));
  CHECK_FALSE(refuses([](MemoRow& memo) { memo.value.assign(limits::payloadBytesMax, 'x'); }));
}

TEST_CASE("A wait has a fingerprint and a time or none, and nothing that it gave") {
  const MemoRow wait = stepFor(MemoState::waiting);
  CHECK_FALSE(whyRefused(Suspend{{}, {wait}}));
  CHECK(isRefused(Suspend{{}, {wait, stepFor(MemoState::succeeded)}}));
  CHECK(isRefused(Suspend{{}, {wait, stepFor(MemoState::failed)}}));
  const auto refuses = [&](auto change) {
    MemoRow bad = wait;
    change(bad);
    return isRefused(Suspend{{}, {wait, bad}});
  };
  CHECK(refuses([](MemoRow& memo) { memo.id = {}; }));
  CHECK(refuses([](MemoRow& memo) { memo.wakeAt = 0; }));
  CHECK(refuses([](MemoRow& memo) { memo.wakeAt = -1; }));
  CHECK(refuses([](MemoRow& memo) { memo.value = "1"; }));
  CHECK(refuses([](MemoRow& memo) { memo.failure.type = "io"; }));
  CHECK(refuses([](MemoRow& memo) { memo.name.assign(limits::textBytesMax + 1, 'x'); }));
  CHECK_FALSE(refuses([](MemoRow& memo) { memo.wakeAt = 1; }));
}

TEST_CASE("A completion names a wait, and its failure has a type") {
  CompleteExternal verb;
  verb.wait.value.bytes[0] = 1;
  CHECK_FALSE(whyRefused(verb));
  verb.value.assign(limits::payloadBytesMax, 'x');
  CHECK_FALSE(whyRefused(verb));
  CompleteExternal bad = verb;
  bad.wait = {};
  CHECK(isRefused(bad));
  bad = verb;
  bad.value += 'x';
  CHECK(isRefused(bad));
  bad = verb;
  bad.failure.message = "nobody came";
  CHECK(isRefused(bad));
  bad.failure.type = "io";
  CHECK_FALSE(whyRefused(bad));
  bad.failure.message.assign(limits::errorBytesMax + 1, 'x');
  CHECK(isRefused(bad));
}

TEST_CASE("A kind of ours that this version does not know is refused on submit") {
  Submit submit;
  submit.jobs.resize(1);
  submit.jobs[0].id = makeJobID();
  for (const char* kind : {"callsheet.command", "callsheet", "callsheets.x", "my/callsheet.x"}) {
    submit.jobs[0].kind = kind;
    CHECK_FALSE(whyRefused(Verb(submit)));
  }
  for (const char* kind : {"callsheet.", "callsheet.commands", "callsheet.https", "callsheet.command/x"}) {
    submit.jobs[0].kind = kind;
    CHECK(whyRefused(Verb(submit)).value_or("").find("reserved") != std::string::npos);
  }
}
