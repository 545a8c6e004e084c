#pragma once
#include <lmdb.h>

#include <string>
#include <string_view>

namespace callsheet {
inline namespace v1 {

/// Throws unless LMDB did what the bare loop asked for.
void requireLmdb(int result, const char* what);

/// A transaction of a bare loop; aborted unless it is committed.
class BareTransaction {
 public:
  BareTransaction(MDB_env* environment, unsigned flags);
  ~BareTransaction();
  BareTransaction(const BareTransaction&) = delete;
  BareTransaction& operator=(const BareTransaction&) = delete;
  void commit();
  operator MDB_txn*() const { return txn_; }

 private:
  MDB_txn* txn_ = nullptr;
};

/// An LMDB environment of two tables with full sync, opened or made: what the bare loops stand on. Single-threaded.
class BareEnvironment {
 public:
  BareEnvironment(const std::string& directory, const char* firstTable, const char* secondTable);
  ~BareEnvironment();
  BareEnvironment(const BareEnvironment&) = delete;
  BareEnvironment& operator=(const BareEnvironment&) = delete;

  operator MDB_env*() const { return environment_; }
  [[nodiscard]] MDB_dbi first() const { return first_; }
  [[nodiscard]] MDB_dbi second() const { return second_; }

 private:
  MDB_env* environment_ = nullptr;
  MDB_dbi first_ = 0;
  MDB_dbi second_ = 0;
};

void putBare(MDB_txn* txn, MDB_dbi table, std::string_view key, std::string_view value, unsigned flags = 0);

}  // namespace v1
}  // namespace callsheet
