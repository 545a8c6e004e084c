#pragma once
#include <lmdb.h>

#include <cstddef>

#include "tests/support/process_role.h"

// For tests that link LMDB.
namespace callsheet::tests {

/// The role of a process that takes every snapshot that the store at `path=` has to give, until it is killed. It says
/// "full" when there is none left, and again for every line that it is sent: whoever read just then has given its own
/// back since.
[[nodiscard]] inline int playGreedyReader(RoleChannel& channel) {
  MDB_env* environment = nullptr;
  if (mdb_env_create(&environment) != 0 || mdb_env_set_mapsize(environment, std::size_t{16} << 30) != 0 ||
      mdb_env_open(environment, channel.argument("path").c_str(), MDB_RDONLY | MDB_NOTLS, 0600) != 0)
    return 1;
  MDB_txn* txn = nullptr;
  do {
    while (mdb_txn_begin(environment, nullptr, MDB_RDONLY, &txn) == 0) {
    }
    channel.say("full");
  } while (channel.readLine());
  return 0;
}

}  // namespace callsheet::tests
