#include "cli/bench/bare_lmdb.h"

#include <cstddef>
#include <utility>

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::size_t mapBytes = std::size_t{4} << 30;

MDB_val valueOf(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};  // LMDB writes into no value that it is given to put
}
}  // namespace

void requireLmdb(int result, const char* what) {
  if (result != MDB_SUCCESS)
    throw Error(ErrorKind::io, std::string("the bare loop cannot ") + what + ": " + mdb_strerror(result));
}

BareTransaction::BareTransaction(MDB_env* environment, unsigned flags) {
  requireLmdb(mdb_txn_begin(environment, nullptr, flags, &txn_), "begin");
}
BareTransaction::~BareTransaction() {
  if (txn_ != nullptr) mdb_txn_abort(txn_);
}
void BareTransaction::commit() {
  requireLmdb(mdb_txn_commit(std::exchange(txn_, nullptr)), "commit");
}

BareEnvironment::BareEnvironment(const std::string& directory, const char* firstTable, const char* secondTable) {
  requireLmdb(mdb_env_create(&environment_), "begin to open");
  requireLmdb(mdb_env_set_maxdbs(environment_, 2), "have two tables");
  requireLmdb(mdb_env_set_mapsize(environment_, mapBytes), "set its map");
  requireLmdb(mdb_env_open(environment_, directory.c_str(), 0, 0600), "open");
  BareTransaction txn(environment_, 0);
  requireLmdb(mdb_dbi_open(txn, firstTable, MDB_CREATE, &first_), "make a table");
  requireLmdb(mdb_dbi_open(txn, secondTable, MDB_CREATE, &second_), "make a table");
  txn.commit();
}
BareEnvironment::~BareEnvironment() {
  mdb_env_close(environment_);
}

void putBare(MDB_txn* txn, MDB_dbi table, std::string_view key, std::string_view value, unsigned flags) {
  MDB_val keyValue = valueOf(key);
  MDB_val bytes = valueOf(value);
  requireLmdb(mdb_put(txn, table, &keyValue, &bytes, flags), "put");
}

}  // namespace v1
}  // namespace callsheet
