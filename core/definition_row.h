#pragma once
#include <cereal/types/optional.hpp>
#include <cereal/types/string.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "callsheet/job_state.h"
#include "callsheet/retry_policy.h"
#include "core/clock.h"
#include "core/job_order.h"

namespace callsheet {
inline namespace v1 {

/// How often attempts at a kind may begin: a bucket of `burst` tokens, into which `count` fall evenly each `perMicros`.
/// Every hand-out takes one; none is given back.
struct RateLimit {
  std::uint32_t count = 0;  ///< 0: no limit
  std::int64_t perMicros = 0;
  std::uint32_t burst = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(count, perMicros, burst);
  }
  friend bool operator==(const RateLimit&, const RateLimit&) = default;
};

/// A kind's stored settings, as somebody defines them. What is not set is as without a definition; kinds of the runner
/// `remote` have defaults of their own (remoteDefaults). Changes apply to what is handed out, started, failed or timed
/// out later.
struct Definition {
  std::string kind;                                           ///< the key; not in the body
  std::optional<Runner> runner;                               ///< nothing: what the submitter says
  std::optional<std::int64_t> requestedToStartTimeoutMicros;  ///< from hand-out to start; 0: no limit
  std::optional<std::int64_t> inProgressTimeoutMicros;        ///< from start, or from the last sign of life
  std::optional<std::uint32_t> allowedRetryCount;             ///< attempts in all
  std::optional<std::int64_t> retryDelayMicros;               ///< before the second attempt
  std::optional<double> retryBackoff;                         ///< each further delay is so many times as long
  std::optional<std::int64_t> retryDelayMaxMicros;
  std::optional<bool> retryOnFail;     ///< whether an attempt that says it failed is tried again
  std::uint32_t concurrencyLimit = 0;  ///< attempts at once, in all processes; 0: no limit
  std::string concurrencyPath;         ///< the limit holds for each value there, as `params.input.host`; empty: for all
  RateLimit rate;
  std::string paramsSchema;  ///< JSON schemas, empty: none
  std::string resultSchema;
  std::string errorSchema;

  friend bool operator==(const Definition&, const Definition&) = default;
};

/// What holds for kinds of the runner `remote` where their definition says nothing.
namespace remoteDefaults {
inline constexpr std::chrono::microseconds requestedToStartTimeout = std::chrono::seconds{10};
inline constexpr std::chrono::microseconds inProgressTimeout = std::chrono::seconds{120};
inline constexpr std::uint32_t allowedRetryCount = 2;  ///< attempts in all, not repetitions
inline constexpr std::chrono::microseconds retryDelay = std::chrono::seconds{10};
inline constexpr double retryBackoff = 1;
inline constexpr bool retryOnFail = false;
}  // namespace remoteDefaults

/// A definition as it is stored.
struct DefinitionRow : Definition {
  /// How far the kind's jobs are put into the lanes that the definition asks for; none is handed out before it is done.
  /// First the open lanes of before go; then the running jobs move, then the ready ones, which open lanes anew.
  enum class Laning : std::uint8_t { done, closing, running, ready };

  std::uint32_t version = 0;   ///< of this kind's definition, from 1 on
  std::int64_t updatedAt = 0;  ///< UTC us
  bool isDeleted = false;      ///< goes when its jobs have left their lanes
  Laning laning = Laning::done;
  AttachedKey runningFrom;  ///< where laning goes on
  ReadyKey readyFrom;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(runner, requestedToStartTimeoutMicros, inProgressTimeoutMicros, allowedRetryCount, retryDelayMicros,
            retryBackoff, retryDelayMaxMicros, retryOnFail, concurrencyLimit, concurrencyPath, rate, paramsSchema,
            resultSchema, errorSchema, version, updatedAt, isDeleted, laning);
    if (laning == Laning::running) archive(runningFrom.incarnation, runningFrom.id);
    if (laning == Laning::ready)
      archive(readyFrom.owner, readyFrom.queue, readyFrom.lane, readyFrom.rank, readyFrom.sequence);
  }
  [[nodiscard]] bool hasLanes() const { return concurrencyLimit > 0; }
  friend bool operator==(const DefinitionRow&, const DefinitionRow&) = default;
};

/// What the limits of a kind count, for one lane of it; lane 0 holds the rate alone.
struct LaneRow {
  std::uint32_t running = 0;     ///< attempts handed out and not ended
  std::int64_t fullAtNanos = 0;  ///< boot clock: when the bucket of the rate limit will be full again; 0: it is
  Uuid bootID;                   ///< of fullAtNanos; of another boot it is full

  template <class Archive>
  void serialize(Archive& archive) {
    archive(running, fullAtNanos, bootID);
  }
  friend bool operator==(const LaneRow&, const LaneRow&) = default;
};

/// What is in a rate's bucket.
struct Tokens {
  std::uint32_t count = 0;
  std::int64_t nextAt = 0;  ///< UTC us: when the next one falls in, if there is none
};
[[nodiscard]] Tokens tokensOf(const RateLimit& rate, const LaneRow& row, const Moment& now);

/// Lanes of limited kinds that may hand out a job, in the order of their first ones. It follows from the ready jobs,
/// the definitions and the counts.
struct OpenLaneKey {
  IncarnationID owner;
  std::string kind;
  std::string queue;
  std::int64_t rank = 0;
  std::uint64_t sequence = 0;
  std::uint64_t lane = 0;
  friend auto operator<=>(const OpenLaneKey&, const OpenLaneKey&) = default;
};

/// Whether a ready job stands in that lane of that queue.
[[nodiscard]] bool isOfLane(const ReadyKey& job, const OpenLaneKey& lane);

/// The lane of a job with these parameters: 0 where nothing limits it, else 1 or a hash of the value at the path; a
/// value that is missing counts as null.
[[nodiscard]] std::uint64_t laneOf(const Definition& definition, std::string_view parameters);

/// The time in which one token falls into a bucket whose `count` is not 0.
[[nodiscard]] std::int64_t rateStepNanos(const RateLimit& rate);

// What holds for an attempt. `definition` may be null.
/// How long a job may be handed out without being started; 0: no limit. `isRemote`: nothing but a limit holds it.
[[nodiscard]] std::int64_t startLimitMicros(const Definition* definition, bool isRemote);
/// How long an attempt may take since its start or last sign of life; 0: no limit. A limit of the job itself wins.
[[nodiscard]] std::int64_t attemptLimitMicros(const Definition* definition, bool isRemote, std::int64_t ofJobMicros);
/// What the definition sets, in place of what the job's own policy does.
[[nodiscard]] RetryPolicy retryPolicyOf(const Definition* definition, Runner runner, const RetryPolicy& ofJob);
/// Whether a failure that the attempt itself reports may be tried again.
[[nodiscard]] bool retriesFails(const Definition* definition, Runner runner);

/// Why a definition cannot be taken, in one sentence.
[[nodiscard]] std::optional<std::string> whyRefused(const Definition& definition);

}  // namespace v1
}  // namespace callsheet
