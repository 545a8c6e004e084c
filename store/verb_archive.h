#pragma once
#include <cereal/types/map.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/record_archive.h"
#include "core/verbs.h"

// Verbs and answers as bytes, in which the processes of one store hand them to each other for a common commit. They are
// never stored, and never meet another version: who changes their form raises the board's layoutVersion
// (ipc/board_bytes.h).
namespace callsheet {
inline namespace v1 {

template <class Archive>
void serialize(Archive& archive, NewJob& job) {
  archive(job.id, job.kind, job.runner, job.queue, job.priority, job.delayMicros, job.notBeforeMicros,
          job.keyWindowMicros, job.body);
}
template <class Archive>
void serialize(Archive& archive, AttemptRef& attempt) {
  archive(attempt.job, attempt.exec, attempt.sender, attempt.wantsRow);
}
/// A row that an answer may carry.
template <class Archive>
void rowWithKey(Archive& archive, std::shared_ptr<const JobRow>& carried) {
  bool isThere = carried != nullptr;
  archive(isThere);
  if (!isThere) return;
  JobRow row = carried != nullptr ? *carried : JobRow{};
  archive(row.id, row);
  if constexpr (Archive::is_loading::value) carried = std::make_shared<const JobRow>(std::move(row));
}
template <class Archive>
void serialize(Archive& archive, SubmittedJob& job) {
  archive(job.verdict, job.id, job.why);
  rowWithKey(archive, job.row);
}
/// A row with its key, which is not in its body.
template <class Archive>
void serialize(Archive& archive, Claim::Item& item) {
  archive(item.row.id, item.row, item.body);
}

namespace handed {

/// What is kept of steps, each with its key, which is not in its body.
template <class Archive>
void withKeys(Archive& archive, std::vector<MemoRow>& memos) {
  auto count = static_cast<std::uint32_t>(memos.size());
  archive(count);
  if constexpr (Archive::is_loading::value) memos.clear();
  for (std::uint32_t i = 0; i < count; ++i) {
    if constexpr (Archive::is_loading::value) memos.emplace_back();
    archive(memos[i].id, memos[i]);
  }
}

template <class Archive>
void members(Archive& archive, RegisterIncarnation& verb) {
  archive(verb.id, verb.name, verb.role, verb.expectedFormer, verb.kinds);
}
template <class Archive>
void members(Archive& archive, CloseIncarnation& verb) {
  archive(verb.id, verb.how, verb.sender);
}
template <class Archive>
void members(Archive& archive, Adopt& verb) {
  archive(verb.closed, verb.sender, verb.limit, verb.random);
}
template <class Archive>
void members(Archive& archive, Submit& verb) {
  archive(verb.sender, verb.ownerName, verb.allOrNothing, verb.jobs, verb.wantsRows);
}
template <class Archive>
void members(Archive& archive, Claim& verb) {
  archive(verb.id, verb.claimer, verb.kinds, verb.max, verb.start, verb.idle, verb.startLimitMicros, verb.remote);
}
template <class Archive>
void members(Archive& archive, Start& verb) {
  archive(verb.attempt);
}
template <class Archive>
void members(Archive& archive, Unclaim& verb) {
  archive(verb.attempt, verb.why);
}
template <class Archive>
void members(Archive& archive, Notify& verb) {
  archive(verb.attempt, verb.progress, verb.text, verb.logged, verb.note, verb.stalled);
}
template <class Archive>
void members(Archive& archive, Succeed& verb) {
  archive(verb.attempt, verb.value, verb.then);
}
template <class Archive>
void members(Archive& archive, Fail& verb) {
  archive(verb.attempt, verb.failure, verb.retryable, verb.random, verb.value, verb.then, verb.leastDelayMicros);
}
template <class Archive>
void members(Archive& archive, RequestTransfer& verb) {
  archive(verb.attempt);
}
template <class Archive>
void members(Archive& archive, Transfer& verb) {
  archive(verb.attempt);
}
template <class Archive>
void members(Archive& archive, Cancel& verb) {
  archive(verb.job, verb.why, verb.wantsRow);
}
template <class Archive>
void members(Archive& archive, Promote& verb) {
  archive(verb.owner, verb.limit);
}
template <class Archive>
void members(Archive& archive, Expire& verb) {
  archive(verb.limit, verb.random);
}
template <class Archive>
void members(Archive& archive, Prune& verb) {
  archive(verb.maxAgeMicros, verb.maxCount, verb.limit, verb.from.finishedAt, verb.from.id);
}
template <class Archive>
void members(Archive& archive, PutDefinitions& verb) {
  auto count = static_cast<std::uint32_t>(verb.definitions.size());
  archive(count);
  if constexpr (Archive::is_loading::value) verb.definitions.clear();
  for (std::uint32_t i = 0; i < count; ++i) {
    DefinitionRow row;
    if constexpr (!Archive::is_loading::value) static_cast<Definition&>(row) = verb.definitions[i];
    archive(row.kind, row);
    if constexpr (Archive::is_loading::value) verb.definitions.push_back(std::move(static_cast<Definition&>(row)));
  }
}
template <class Archive>
void members(Archive& archive, DeleteDefinition& verb) {
  archive(verb.kind);
}
template <class Archive>
void members(Archive& archive, Relane& verb) {
  archive(verb.limit);
}
template <class Archive>
void members(Archive& archive, Forget& verb) {
  archive(verb.job);
}
template <class Archive>
void members(Archive& archive, SetQueue& verb) {
  archive(verb.name, verb.parallel, verb.isPaused, verb.mustBeNew);
}
template <class Archive>
void members(Archive& archive, DeleteQueue& verb) {
  archive(verb.name);
}
template <class Archive>
void members(Archive& archive, PutSchedule& verb) {
  Schedule schedule;
  if (verb.schedule != nullptr) schedule = *verb.schedule;
  archive(schedule.name, schedule, verb.change, verb.revision, verb.generation, verb.isPaused, verb.cursor, verb.next,
          verb.cancelsUnstarted);
  if constexpr (Archive::is_loading::value) verb.schedule = std::make_shared<const Schedule>(std::move(schedule));
}
template <class Archive>
void members(Archive& archive, DeleteSchedule& verb) {
  archive(verb.name, verb.revision, verb.cancelsUnstarted);
}
template <class Archive>
void members(Archive& archive, Fire& verb) {
  archive(verb.sender, verb.schedule, verb.generation, verb.revision, verb.instants, verb.passedOver, verb.passedOverAt,
          verb.cursor, verb.next);
}
template <class Archive>
void members(Archive& archive, Discard& verb) {
  archive(verb.job);
}
template <class Archive>
void members(Archive& archive, SaveResult& verb) {
  archive(verb.attempt);
  withKeys(archive, verb.memos);
}
template <class Archive>
void members(Archive& archive, Suspend& verb) {
  archive(verb.attempt);
  withKeys(archive, verb.waits);
}
template <class Archive>
void members(Archive& archive, CompleteExternal& verb) {
  archive(verb.job, verb.wait, verb.value, verb.failure);
}

template <class Archive>
void members(Archive& archive, Answer& answer) {
  archive(answer.verdict, answer.why);
}
template <class Archive>
void members(Archive& archive, Adopt::Answer& answer) {
  archive(answer.verdict, answer.why, answer.moved, answer.more);
}
template <class Archive>
void members(Archive& archive, Submit::Answer& answer) {
  archive(answer.verdict, answer.why, answer.jobs);
}
template <class Archive>
void members(Archive& archive, Claim::Answer& answer) {
  archive(answer.verdict, answer.why, answer.more, answer.aloneWaiting, answer.nextDueAt, answer.jobs);
}
template <class Archive>
void members(Archive& archive, AttemptAnswer& answer) {
  archive(answer.verdict, answer.why, answer.cancelRequested, answer.transferRequested, answer.state);
  rowWithKey(archive, answer.row);
}
template <class Archive>
void members(Archive& archive, SweepAnswer& answer) {
  archive(answer.verdict, answer.why, answer.moved, answer.more, answer.next.finishedAt, answer.next.id);
}

template <class... Options>
void write(RecordOut& archive, const std::variant<Options...>& value) {
  archive(static_cast<std::uint8_t>(value.index()));
  // Members are one list for both ways, and writing changes nothing.
  std::visit([&](const auto& one) { members(archive, const_cast<std::decay_t<decltype(one)>&>(one)); }, value);
}

template <class Variant, std::size_t index = 0>
void readOption(RecordIn& archive, std::uint8_t wanted, Variant& value) {
  if constexpr (index == std::variant_size_v<Variant>) {
    throw Error(ErrorKind::corrupt, "what another process handed over has no such option");
  } else {
    if (wanted != index) return readOption<Variant, index + 1>(archive, wanted, value);
    members(archive, value.template emplace<index>());
  }
}
template <class... Options>
void read(RecordIn& archive, std::variant<Options...>& value) {
  std::uint8_t index = 0;
  archive(index);
  readOption(archive, index, value);
}

}  // namespace handed
}  // namespace v1
}  // namespace callsheet
