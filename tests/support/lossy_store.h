#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/job_store.h"
#include "store/verb_archive.h"

namespace callsheet::tests {

/// A value as it comes out where another process reads what this one handed over.
template <class Variant>
[[nodiscard]] Variant asHandedOver(const Variant& value) {
  std::string bytes;
  {
    RecordOut archive(bytes);
    handed::write(archive, value);
  }
  Variant read;
  RecordIn archive(bytes);
  handed::read(archive, read);
  archive.finish();
  return read;
}

/// A store that other processes write for its callers: verbs and answers are handed over as bytes, and every n-th
/// answer is lost, as in a commit of unknown outcome, so that callers must repeat with the same ids. Calls come from
/// one thread.
class LossyStore final : public JobStore {
 public:
  LossyStore(JobStore& inner, unsigned every) : inner_(inner), every_(every) {}

  void post(std::vector<Verb> verbs, std::chrono::milliseconds patience, Answered answered) override {
    std::vector<std::pair<std::size_t, AnyAnswer>> lost;
    for (Verb& verb : verbs) verb = asHandedOver(verb);
    for (std::size_t i = 0; i < verbs.size(); ++i)
      if (++count_ % every_ == 0) lost.emplace_back(i, answerWith(verbs[i], Verdict::unknown, "lost on purpose"));
    inner_.post(std::move(verbs), patience,
                [lost = std::move(lost), answered = std::move(answered)](std::vector<AnyAnswer> answers) {
                  for (AnyAnswer& answer : answers) answer = asHandedOver(answer);
                  for (const auto& [index, answer] : lost) answers[index] = answer;
                  answered(std::move(answers));
                });
  }

  std::optional<JobView> find(JobID id) override { return inner_.find(id); }
  std::optional<JobRow> peek(JobID id) override { return inner_.peek(id); }
  JobPage list(const JobFilter& filter, const std::string& pageToken, std::size_t limit) override {
    return inner_.list(filter, pageToken, limit);
  }
  std::vector<JobID> resolve(std::string_view text, std::size_t limit) override { return inner_.resolve(text, limit); }
  std::optional<JobID> findByKey(std::string_view key) override { return inner_.findByKey(key); }
  std::vector<LogEntry> readLog(JobID id, std::uint32_t from, std::size_t limit) override {
    return inner_.readLog(id, from, limit);
  }
  std::vector<MemoRow> memos(JobID id, Fingerprint after, std::size_t limit) override {
    return inner_.memos(id, after, limit);
  }
  std::optional<MemoRow> memo(JobID id, Fingerprint memo) override { return inner_.memo(id, memo); }
  std::vector<IncarnationRow> incarnations() override { return inner_.incarnations(); }
  std::vector<DefinitionRow> definitions() override { return inner_.definitions(); }
  std::optional<DefinitionRow> definition(std::string_view kind) override { return inner_.definition(kind); }
  std::vector<JobRow> commandsOf(IncarnationID attendant) override { return inner_.commandsOf(attendant); }
  Claimable claimable(const std::vector<std::string>& kinds, std::size_t limit) override {
    return inner_.claimable(kinds, limit);
  }
  std::int64_t nextDeadline() override { return inner_.nextDeadline(); }
  Totals totals() override { return inner_.totals(); }
  CountsByOwner countByOwner() override { return inner_.countByOwner(); }
  std::vector<QueueState> queues() override { return inner_.queues(); }
  std::optional<QueueRow> queue(std::string_view name) override { return inner_.queue(name); }
  std::optional<ScheduleView> schedule(std::string_view name) override { return inner_.schedule(name); }
  std::vector<ScheduleView> schedules(std::string_view after, std::size_t limit) override {
    return inner_.schedules(after, limit);
  }
  DueSchedules dueSchedules(std::int64_t until, std::size_t limit) override {
    return inner_.dueSchedules(until, limit);
  }
  std::vector<JobID> occurrences(std::string_view schedule, JobID before, std::size_t limit) override {
    return inner_.occurrences(schedule, before, limit);
  }
  StoreInfo info() override { return inner_.info(); }
  std::uint64_t sequence() override { return inner_.sequence(); }
  std::shared_ptr<void> subscribe(Committed committed) override { return inner_.subscribe(std::move(committed)); }

 private:
  JobStore& inner_;
  const unsigned every_;
  unsigned count_ = 0;
};

}  // namespace callsheet::tests
