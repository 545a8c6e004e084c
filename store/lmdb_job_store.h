#pragma once
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/doorbell.h"
#include "core/job_store.h"
#include "core/writer_witness.h"

namespace callsheet {
inline namespace v1 {

struct LmdbStoreOptions {
  bool create = true;                  ///< make the store when there is none
  std::size_t mapBytes = 0;            ///< 0 = limits::mapBytes
  std::shared_ptr<const Clock> clock;  ///< null: the machine's clocks
  std::shared_ptr<Doorbell> doorbell;  ///< rung after each commit for whom it concerns; null: nobody is
  /// Called when the directory is really opened in this process; empty: nobody is told about the write lock.
  std::function<std::shared_ptr<WriterWitness>()> makeWitness;
  /// What it returns is held while the environment is opened or closed; empty: no other process does that meanwhile.
  std::function<std::shared_ptr<void>()> guardOpening;
};

/// What `check` found. Sentences, the first 100 of them.
struct CheckReport {
  std::vector<std::string> problems;
  std::uint64_t problemCount = 0;
  std::uint64_t jobs = 0;
  std::uint64_t records = 0;
  std::uint64_t incarnations = 0;
  [[nodiscard]] bool isClean() const { return problemCount == 0; }
};

/// A process that reads in a snapshot at this moment, as LMDB's own table has it.
struct SnapshotReader {
  pid_t pid = 0;
  std::uint64_t snapshot = 0;  ///< sequence() when it was taken
};

/// A record of a job byte for byte, as only damage makes anybody ask for it.
struct StoredRecord {
  std::string name;  ///< "row", "body", "result" or "log entry N"
  std::string bytes;
  std::string damage;  ///< why it cannot be read, as a sentence; empty: it can
};

/// The durable store: an LMDB environment that every process writes itself. Thread-safe.
class LmdbJobStore : public JobStore {
 public:
  /// The store in an existing directory of ours. LMDB allows one opening a process, so all callers of one directory
  /// share one object (a registry by device and inode); the first caller's options count. Throws Error.
  [[nodiscard]] static std::shared_ptr<LmdbJobStore> open(const std::string& directory,
                                                          const LmdbStoreOptions& options);

  /// Verifies every record, every order and the totals in one snapshot. A badly damaged file may crash the process that
  /// checks it, so run it in a child and take a crash for damage.
  [[nodiscard]] virtual CheckReport check() = 0;
  /// Copies the living store into a new directory: written, synced, checked, then renamed to its place.
  virtual void backup(const std::string& target) = 0;
  /// What is stored of a job, whether it can be read or not; nothing when there is no such job.
  [[nodiscard]] virtual std::vector<StoredRecord> records(JobID id) = 0;
  /// Whether Expire would find something; a look that takes no lock.
  [[nodiscard]] virtual bool hasPassedDeadline() = 0;
  /// Whether Relane has something to go on with; the same.
  [[nodiscard]] virtual bool hasOpenLaning() = 0;
  /// Frees reader slots of dead processes.
  virtual int clearDeadReaders() = 0;
  /// Whoever holds a snapshot; the dead too, until they are cleared.
  [[nodiscard]] virtual std::vector<SnapshotReader> readers() = 0;
};

}  // namespace v1
}  // namespace callsheet
