#pragma once
#include <optional>

#include "core/verbs.h"
#include "store/lmdb_environment.h"
#include "store/lmdb_rows.h"

namespace callsheet {
inline namespace v1 {

/// Keeps a store that fills up usable. Each kind of verb may fill the map to a share of its own: new jobs to three
/// quarters; what steps remember, without which the jobs that are there may get no further, to seven eighths. The rest
/// is for ending, canceling and pruning, so that these work in a store that takes no more. Lives for one transaction.
class CommitRoom {
 public:
  CommitRoom(LmdbEnvironment& environment, LmdbRows& rows) : environment_(environment), rows_(rows) {}

  /// Why the verb must be answered `storeFull`; nothing when it may be applied, and then it is counted. A repeat of
  /// what was accepted before always may.
  [[nodiscard]] const char* whyFull(const Verb& verb);

 private:
  enum class Share { unlimited, jobs, steps };
  [[nodiscard]] static Share shareOf(const Verb& verb);
  [[nodiscard]] std::uint64_t bytesOf(const Verb& verb);
  [[nodiscard]] bool isRepeat(const Verb& verb);

  LmdbEnvironment& environment_;
  LmdbRows& rows_;
  std::optional<LmdbEnvironment::Filling> filling_;  ///< looked up when the first verb needs it
};

}  // namespace v1
}  // namespace callsheet
