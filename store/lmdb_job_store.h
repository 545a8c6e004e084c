#pragma once
#include <functional>
#include <memory>
#include <string>

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
  /// Whether Expire would find something; a look that takes no lock.
  [[nodiscard]] virtual bool hasPassedDeadline() = 0;
  /// Frees reader slots of dead processes.
  virtual int clearDeadReaders() = 0;
};

}  // namespace v1
}  // namespace callsheet
