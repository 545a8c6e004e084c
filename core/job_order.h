#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/job_row.h"

// The orders in which a store can walk its jobs. Every one follows from the JobRow alone, so a store keeps them in step
// by comparing the places of the row before and after, and `check` recomputes them.
namespace callsheet {
inline namespace v1 {

/// Ready jobs, in the order in which they are handed out within an owner, kind, queue and lane.
template <class Text>
struct BasicReadyKey {
  IncarnationID owner;
  Text kind;
  Text queue;
  std::uint64_t lane = 0;
  std::int64_t rank = 0;  ///< ready time - priority x 60 s: priority ages without a sweep
  std::uint64_t sequence = 0;
  friend auto operator<=>(const BasicReadyKey&, const BasicReadyKey&) = default;
};
using ReadyKey = BasicReadyKey<std::string>;
using ReadyKeyView = BasicReadyKey<std::string_view>;

/// Waiting jobs by the time at which they wake.
struct WaitingKey {
  IncarnationID owner;
  std::int64_t wakeAt = 0;
  JobID id;
  friend auto operator<=>(const WaitingKey&, const WaitingKey&) = default;
};

/// Requested and running jobs by each incarnation that they concern: their holder, who handed out a remote one, who
/// attends to a command, and their owner; by the principal's queue where there is none.
struct AttachedKey {
  IncarnationID incarnation;
  JobID id;
  friend auto operator<=>(const AttachedKey&, const AttachedKey&) = default;
};

/// Attempts with a time limit.
struct DeadlineKey {
  Uuid bootID;
  std::int64_t deadlineNanos = 0;
  JobID id;
  friend auto operator<=>(const DeadlineKey&, const DeadlineKey&) = default;
};

/// Done jobs, oldest first; what retention walks.
struct DoneKey {
  std::int64_t finishedAt = 0;
  JobID id;
  [[nodiscard]] static DoneKey first() { return {std::numeric_limits<std::int64_t>::min(), {}}; }
  friend auto operator<=>(const DoneKey&, const DoneKey&) = default;
};

/// Jobs and what they run after (JobBody::after). It follows from the bodies of the jobs that wait for others.
struct DependencyKey {
  enum class Stage : std::uint8_t {
    ended,  ///< `prerequisite` has ended or is gone, and dependents of it are still to be looked at; `dependent` is nil
    open,   ///< `dependent` waits, and has not been looked at since the end
    settled,  ///< it has been looked at, and waits for others too
  };
  Stage stage = Stage::ended;
  JobID prerequisite;
  JobID dependent;
  friend auto operator<=>(const DependencyKey&, const DependencyKey&) = default;
};

using PlaceKey = std::variant<ReadyKey, WaitingKey, AttachedKey, DeadlineKey, DoneKey>;

[[nodiscard]] bool isRunning(const JobFacts& facts);
[[nodiscard]] std::int64_t rankOf(const JobFacts& facts);

/// The places of a row; a job stands in exactly one of ready, waiting, done, or in one or two of attached.
[[nodiscard]] std::optional<ReadyKey> readyKeyOf(const JobRow& row);
/// Of a row as it was, whose kind and queue are those of today's.
[[nodiscard]] std::optional<ReadyKeyView> readyKeyOf(const JobFacts& facts, const JobRow& today);
[[nodiscard]] std::optional<WaitingKey> waitingKeyOf(const JobFacts& facts);
[[nodiscard]] std::optional<DeadlineKey> deadlineKeyOf(const JobFacts& facts);
[[nodiscard]] std::optional<DoneKey> doneKeyOf(const JobFacts& facts);
/// The incarnation's in `holder`, and the owner's, which of the principal stands alone only; one or two,
/// without repeats.
struct AttachedKeys {
  AttachedKey keys[2];
  int count = 0;
  [[nodiscard]] const AttachedKey* begin() const { return keys; }
  [[nodiscard]] const AttachedKey* end() const { return keys + count; }
  friend bool operator==(const AttachedKeys& a, const AttachedKeys& b);
};
[[nodiscard]] AttachedKeys attachedKeysOf(const JobFacts& facts);
/// Whether a job stands at the same places before and after.
[[nodiscard]] bool standsAsBefore(const JobFacts& before, const JobFacts& after);

/// How many jobs stand where; kept in step with the rows, recounted by `check`.
struct Totals {
  std::uint64_t sequence = 0;     ///< last given to a job that became ready
  std::uint64_t submitted = 0;    ///< jobs ever made
  std::uint64_t closures = 0;     ///< incarnations ever closed: when it moves, the principal has something to adopt
  std::uint64_t waiting[7] = {};  ///< by WaitReason
  std::uint64_t ready = 0;
  std::uint64_t requested = 0;
  std::uint64_t inProgress = 0;
  std::uint64_t done[4] = {};  ///< by JobOutcome

  void add(const JobFacts& facts) { ++countOf(facts); }
  void remove(const JobFacts& facts) { --countOf(facts); }
  [[nodiscard]] std::uint64_t jobs() const;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(sequence, submitted, closures, ready, requested, inProgress);
    for (auto& count : waiting) archive(count);
    for (auto& count : done) archive(count);
  }
  friend bool operator==(const Totals&, const Totals&) = default;

 private:
  [[nodiscard]] std::uint64_t& countOf(const JobFacts& facts);
};

}  // namespace v1
}  // namespace callsheet
