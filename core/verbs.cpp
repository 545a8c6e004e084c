#include "core/verbs.h"

#include <array>

namespace callsheet {
inline namespace v1 {

std::string_view toString(Verdict verdict) {
  static constexpr std::array<std::string_view, 12> names{"ok",        "alreadyApplied", "duplicate", "fenced",
                                                          "notFound",  "illegal",        "conflict",  "refused",
                                                          "storeFull", "notDone",        "unknown",   "corrupt"};
  return names.at(static_cast<std::size_t>(verdict));
}

const Answer& baseOf(const AnyAnswer& answer) {
  return std::visit([](const auto& one) -> const Answer& { return one; }, answer);
}

AnyAnswer answerWith(const Verb& verb, Verdict verdict, std::string why) {
  return std::visit(
      [&](const auto& one) -> AnyAnswer {
        typename std::decay_t<decltype(one)>::Answer answer;
        answer.verdict = verdict;
        answer.why = std::move(why);
        return answer;
      },
      verb);
}

std::string_view nameOf(const Verb& verb) {
  static constexpr std::array<std::string_view, std::variant_size_v<Verb>> names{"registerIncarnation",
                                                                                 "closeIncarnation",
                                                                                 "adopt",
                                                                                 "submit",
                                                                                 "claim",
                                                                                 "start",
                                                                                 "unclaim",
                                                                                 "notify",
                                                                                 "succeed",
                                                                                 "fail",
                                                                                 "requestTransfer",
                                                                                 "transfer",
                                                                                 "cancel",
                                                                                 "promote",
                                                                                 "expire",
                                                                                 "prune",
                                                                                 "discard",
                                                                                 "saveResult",
                                                                                 "suspend",
                                                                                 "completeExternal",
                                                                                 "putDefinitions",
                                                                                 "deleteDefinition",
                                                                                 "relane",
                                                                                 "forget",
                                                                                 "setQueue",
                                                                                 "deleteQueue",
                                                                                 "putSchedule",
                                                                                 "deleteSchedule",
                                                                                 "fire"};
  return names.at(verb.index());
}

namespace {
std::size_t bytesOf(const NewJob& job) {
  return sizeof(NewJob) + job.kind.size() + job.queue.size() + job.body.parameters.size() + job.body.key.size() +
         job.body.after.size() * sizeof(Prerequisite);
}
std::size_t bytesOf(const std::vector<NewJob>& jobs) {
  std::size_t sum = 0;
  for (const auto& job : jobs) sum += bytesOf(job);
  return sum;
}
std::size_t bytesOf(const JobFailure& failure) {
  return failure.type.size() + failure.message.size() + failure.origin.size() + failure.payload.size();
}
std::size_t bytesOf(const std::vector<MemoRow>& memos) {
  std::size_t sum = memos.size() * sizeof(MemoRow);
  for (const auto& memo : memos)
    sum += memo.name.size() + memo.label.size() + memo.value.size() + bytesOf(memo.failure);
  return sum;
}
}  // namespace

std::size_t sizeOf(const Verb& verb) {
  std::size_t sum = sizeof(Verb);
  if (const auto* submit = std::get_if<Submit>(&verb)) sum += bytesOf(submit->jobs);
  if (const auto* succeed = std::get_if<Succeed>(&verb)) sum += succeed->value.size() + bytesOf(succeed->then);
  if (const auto* fail = std::get_if<Fail>(&verb))
    sum += fail->value.size() + bytesOf(fail->failure) + bytesOf(fail->then);
  if (const auto* save = std::get_if<SaveResult>(&verb)) sum += bytesOf(save->memos);
  if (const auto* suspend = std::get_if<Suspend>(&verb)) sum += bytesOf(suspend->waits);
  if (const auto* put = std::get_if<PutDefinitions>(&verb))
    for (const Definition& one : put->definitions)
      sum += sizeof one + one.kind.size() + one.concurrencyPath.size() + one.paramsSchema.size() +
             one.resultSchema.size() + one.errorSchema.size();
  if (const auto* put = std::get_if<PutSchedule>(&verb); put != nullptr && put->schedule != nullptr)
    sum += sizeof(Schedule) + put->schedule->spec.size() + bytesOf(put->schedule->job);
  if (const auto* fire = std::get_if<Fire>(&verb)) sum += fire->instants.size() * sizeof(std::int64_t);
  if (const auto* complete = std::get_if<CompleteExternal>(&verb))
    sum += complete->value.size() + bytesOf(complete->failure);
  return sum;
}

}  // namespace v1
}  // namespace callsheet
