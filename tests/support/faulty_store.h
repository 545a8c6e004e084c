#pragma once
#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/rows.h"
#include "store/lmdb_job_store.h"

namespace callsheet::tests {

/// A store whose disk fills up and whose rows cannot be read while the test says so, and that counts what it is asked.
/// Answers come on the inner store's thread as always. Thread-safe.
class FaultyStore final : public LmdbJobStore {
 public:
  explicit FaultyStore(LmdbJobStore& inner) : inner_(inner) {}

  std::atomic<bool> isFull{false};          ///< answers `storeFull` and does nothing
  std::atomic<bool> losesAnswers{false};    ///< does what it is told, and answers `unknown`
  std::atomic<bool> cannotRead{false};      ///< every read throws Error(io)
  std::atomic<bool> cannotLook{false};      ///< every look at a job throws Error(io)
  std::atomic<bool> hasUnreadable{false};   ///< every look at a job throws UnreadableRow
  std::atomic<unsigned> posts{0};           ///< so far
  std::atomic<unsigned> openPosts{0};       ///< not answered yet
  std::atomic<std::size_t> largestPost{0};  ///< bytes of verbs
  std::atomic<std::size_t> fullBytes{0};    ///< of all verbs for which there was no room

  void post(std::vector<Verb> verbs, std::chrono::milliseconds patience, Answered answered) override {
    ++posts;
    ++openPosts;
    std::size_t bytes = 0;
    for (const Verb& verb : verbs) bytes += sizeOf(verb);
    largestPost = std::max(largestPost.load(), bytes);
    std::vector<AnyAnswer> lost;
    const Verdict verdict = isFull ? Verdict::storeFull : Verdict::unknown;
    if (isFull || losesAnswers)
      for (const Verb& verb : verbs) lost.push_back(answerWith(verb, verdict, "lost on purpose"));
    if (isFull) {
      fullBytes += bytes;
      verbs.clear();
      verbs.emplace_back(Promote{makeIncarnationID(), 1});  // changes nothing
    }
    inner_.post(std::move(verbs), patience,
                [this, lost = std::move(lost), answered = std::move(answered)](std::vector<AnyAnswer> answers) mutable {
                  --openPosts;
                  answered(lost.empty() ? std::move(answers) : std::move(lost));
                });
  }

  std::optional<JobView> find(JobID id) override { return look(id).find(id); }
  std::optional<JobRow> peek(JobID id) override { return look(id).peek(id); }
  JobPage list(const JobFilter& filter, const std::string& token, std::size_t limit) override {
    return readable().list(filter, token, limit);
  }
  std::vector<JobID> resolve(std::string_view text, std::size_t limit) override {
    return readable().resolve(text, limit);
  }
  std::optional<JobID> findByKey(std::string_view key) override { return readable().findByKey(key); }
  std::vector<LogEntry> readLog(JobID id, std::uint32_t from, std::size_t limit) override {
    return readable().readLog(id, from, limit);
  }
  std::vector<MemoRow> memos(JobID id, Fingerprint after, std::size_t limit) override {
    return readable().memos(id, after, limit);
  }
  std::optional<MemoRow> memo(JobID id, Fingerprint memo) override { return readable().memo(id, memo); }
  std::vector<IncarnationRow> incarnations() override { return readable().incarnations(); }
  std::vector<DefinitionRow> definitions() override { return readable().definitions(); }
  std::optional<DefinitionRow> definition(std::string_view kind) override { return readable().definition(kind); }
  std::vector<JobRow> commandsOf(IncarnationID attendant) override { return readable().commandsOf(attendant); }
  Claimable claimable(const std::vector<std::string>& kinds, std::size_t limit) override {
    return readable().claimable(kinds, limit);
  }
  std::int64_t nextDeadline() override { return readable().nextDeadline(); }
  Totals totals() override { return readable().totals(); }
  CountsByOwner countByOwner() override { return readable().countByOwner(); }
  std::vector<QueueState> queues() override { return readable().queues(); }
  std::optional<QueueRow> queue(std::string_view name) override { return readable().queue(name); }
  std::optional<ScheduleView> schedule(std::string_view name) override { return readable().schedule(name); }
  std::vector<ScheduleView> schedules(std::string_view after, std::size_t limit) override {
    return readable().schedules(after, limit);
  }
  DueSchedules dueSchedules(std::int64_t until, std::size_t limit) override {
    return readable().dueSchedules(until, limit);
  }
  std::vector<JobID> occurrences(std::string_view schedule, JobID before, std::size_t limit) override {
    return readable().occurrences(schedule, before, limit);
  }
  StoreInfo info() override { return readable().info(); }
  std::uint64_t sequence() override { return readable().sequence(); }
  std::shared_ptr<void> subscribe(Committed committed) override { return inner_.subscribe(std::move(committed)); }
  CheckReport check() override { return inner_.check(); }
  void backup(const std::string& target) override { inner_.backup(target); }
  std::vector<StoredRecord> records(JobID id) override { return readable().records(id); }
  bool hasOpenLaning() override { return readable().hasOpenLaning(); }
  bool hasPassedDeadline() override { return readable().hasPassedDeadline(); }
  int clearDeadReaders() override { return readable().clearDeadReaders(); }
  std::vector<SnapshotReader> readers() override { return readable().readers(); }

 private:
  LmdbJobStore& readable() {
    if (cannotRead) throw Error(ErrorKind::io, "the store cannot be read, on purpose");
    return inner_;
  }
  LmdbJobStore& look(JobID id) {
    if (hasUnreadable) throw UnreadableRow(id, "the row was damaged on purpose");
    if (cannotLook) throw Error(ErrorKind::io, "the job cannot be looked at, on purpose");
    return readable();
  }

  LmdbJobStore& inner_;
};

}  // namespace callsheet::tests
