#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace callsheet {
inline namespace v1 {
/// Every limit of the store, with its unit. What is over a limit is refused with a sentence, never cut.
namespace limits {

inline constexpr std::size_t payloadBytesMax = 1u << 20;  ///< parameters, result and memo values, each
inline constexpr std::size_t nameLengthMax = 64;          ///< names of directors, queues, labels, stores
inline constexpr std::size_t kindLengthMax = 128;         ///< kinds, which may contain '/'
inline constexpr std::size_t textBytesMax = 1024;         ///< requester, traceparent, progress text, a log entry's note
inline constexpr std::size_t errorBytesMax = 64u << 10;   ///< an error's message
inline constexpr std::size_t labelsMax = 32;              ///< labels a job
inline constexpr std::size_t businessKeyBytesMax = 256;   ///< canonical form of a JobKey
inline constexpr std::size_t schemaBytesMax = 64u << 10;  ///< each JSON schema of a definition
inline constexpr std::size_t definitionsMax = 10'000;     ///< definitions in one store
inline constexpr std::size_t queuesMax = 1000;            ///< queues with settings of their own in one store
inline constexpr std::size_t schedulesMax = 100'000;      ///< schedules in one store
inline constexpr std::size_t scheduleSpecBytesMax = 8192;  ///< a schedule's timing as it is written
inline constexpr std::size_t scheduleYearsMax = 1000;      ///< years and ranges of them in one calendar
inline constexpr std::uint32_t missedRunsMax = 1000;       ///< of a schedule, made up for at once
inline constexpr std::size_t openRunsMax = 64;             ///< jobs that a schedule is known to have open
inline constexpr std::size_t skipsKept = 16;               ///< of a schedule, the latest
inline constexpr std::size_t firingsMax = 1000;            ///< of a schedule, in one verb
inline constexpr std::size_t prerequisitesMax = 100;       ///< jobs that one job runs after
inline constexpr std::uint32_t dependentsAtOnce = 32;      ///< looked at with the end itself; the others in slices
inline constexpr std::size_t batchJobsMax = 1000;          ///< jobs in one submit
inline constexpr std::size_t claimJobsMax = 1000;          ///< jobs in one claim
inline constexpr std::size_t commandsMax = 10'000;         ///< running commands that one director attends to
inline constexpr std::size_t claimKindsMax = 1000;         ///< kinds in one claim
inline constexpr std::size_t sliceRowsMax = 1000;          ///< rows one sweep or adoption slice may touch
inline constexpr std::size_t commitVerbsMax = 1000;        ///< verbs that share one commit
inline constexpr std::size_t commitBytesMax = 4u << 20;    ///< bytes of verbs that share one commit
inline constexpr std::size_t queuedBytesMax = 64u << 20;   ///< bytes of verbs waiting for a commit in one process
inline constexpr std::uint32_t logEntriesMax = 1000;       ///< log entries kept a job; the oldest go first
inline constexpr std::uint32_t logEntriesInRow = 4;        ///< of those, the latest, which stand in the job's own row
inline constexpr std::uint32_t treeNodesMax = 10'000;      ///< steps and waits that one job remembers
inline constexpr std::uint64_t treeBytesMax = 256u << 20;  ///< values of all steps that one job remembers
inline constexpr std::uint32_t treeDepthMax = 64;          ///< steps inside each other
inline constexpr std::size_t pageRowsMax = 1000;           ///< rows one page of a listing may hold
inline constexpr std::size_t mapBytes = std::size_t{16} << 30;  ///< the LMDB map; the file grows only as it is used
inline constexpr unsigned readersMax = 1024;                    ///< concurrent read transactions of all processes
inline constexpr int priorityMin = -1000;
inline constexpr int priorityMax = 1000;
inline constexpr std::uint32_t deathsBeforeAlone = 3;       ///< consecutive holder deaths after which a job runs alone
inline constexpr std::uint32_t deathsBeforeQuarantine = 5;  ///< consecutive holder deaths, the last ones alone
inline constexpr std::chrono::microseconds rankPerPriority = std::chrono::seconds{60};
inline constexpr std::chrono::microseconds rowKeptMin =
    std::chrono::hours{1};  ///< a done job's row, so that repeats are recognised
inline constexpr std::chrono::microseconds delayMax = std::chrono::hours{24 * 3660};

}  // namespace limits
}  // namespace v1
}  // namespace callsheet
