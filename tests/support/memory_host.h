#pragma once
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/job_runner.h"

namespace callsheet::tests {

/// What a JobRunner asks of outside, answered from the test's memory: everything is accepted, the first result of a
/// step stands. Tests override what they watch. Thread-safe.
class MemoryHost : public JobRunner::Host {
 public:
  void ended(JobID, std::optional<Verb>) override {}
  void freed() override {}
  AttemptAnswer requestTransfer(const AttemptRef&) override { return answerOf(Verdict::ok); }
  AttemptAnswer saveResults(const AttemptRef&, std::vector<MemoRow> rows) override {
    const std::lock_guard lock(mutex_);
    for (MemoRow& row : rows) {
      const auto known = rows_.find(row.id);
      if (known != rows_.end() && known->second.isFinished()) continue;
      row.valueBytes = static_cast<std::uint32_t>(row.value.size());
      rows_[row.id] = std::move(row);
    }
    return answerOf(Verdict::ok);
  }
  AttemptAnswer suspend(const AttemptRef&, std::vector<MemoRow> waits) override {
    const std::lock_guard lock(mutex_);
    for (const MemoRow& wait : waits) rows_.try_emplace(wait.id, wait);
    return answerOf(Verdict::ok);
  }
  std::vector<MemoRow> memos(JobID) override {
    std::vector<MemoRow> all;
    for (auto& [id, row] : rows()) {
      all.push_back(row);
      all.back().value.clear();
    }
    return all;
  }
  std::optional<MemoRow> memo(JobID, Fingerprint id) override {
    const std::lock_guard lock(mutex_);
    return rows_.contains(id) ? std::optional(rows_[id]) : std::nullopt;
  }
  void progressed(const AttemptRef&, double, std::string) override {}
  void noted(const AttemptRef&, std::vector<MemoRow>) override {}
  void handOver(const AttemptRef&) override {}
  void lookLater() override {}
  JobDirector& director() override { std::abort(); }
  const JobInjections& injections() const override { return injected; }
  std::string directorName() const override { return "main"; }
  bool isPrincipal() const override { return true; }
  std::chrono::nanoseconds transferGrace() const override { return std::chrono::seconds{10}; }
  Moment now() const override { return {1, 1, {}}; }

  /// All that is remembered.
  [[nodiscard]] std::map<Fingerprint, MemoRow> rows() {
    const std::lock_guard lock(mutex_);
    return rows_;
  }

  JobInjections injected;

 protected:
  [[nodiscard]] static AttemptAnswer answerOf(Verdict verdict, std::string why = {}) {
    AttemptAnswer answer;
    answer.verdict = verdict;
    answer.why = std::move(why);
    return answer;
  }
  std::mutex mutex_;
  std::map<Fingerprint, MemoRow> rows_;  // guarded by mutex_
};

}  // namespace callsheet::tests
