#pragma once
#include <string>

#include "store/lmdb_environment.h"

namespace callsheet {
inline namespace v1 {

/// Copies a living store to `target`, which must not exist: a temporary directory beside it is written, synced and
/// checked, then renamed. The copy holds a snapshot for as long as it takes, so the living file may grow meanwhile.
void backupStore(LmdbEnvironment& environment, const std::string& target, const Clock& clock);

}  // namespace v1
}  // namespace callsheet
