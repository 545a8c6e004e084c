#pragma once
#include <lmdb.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace callsheet::tests {

/// LMDB without the store around it, to damage a store or to be a stranger in one. The process must not have the store
/// open.
class RawEnvironment {
 public:
  explicit RawEnvironment(const std::string& directory) {
    must(mdb_env_create(&env_));
    must(mdb_env_set_maxdbs(env_, 8));
    must(mdb_env_set_maxreaders(env_, 1024));
    must(mdb_env_set_mapsize(env_, std::size_t{16} << 30));
    must(mdb_env_open(env_, directory.c_str(), MDB_NOTLS, 0600));
  }
  ~RawEnvironment() { mdb_env_close(env_); }
  RawEnvironment(const RawEnvironment&) = delete;
  RawEnvironment& operator=(const RawEnvironment&) = delete;

  [[nodiscard]] MDB_txn* begin(unsigned flags = 0) {
    MDB_txn* txn = nullptr;
    must(mdb_txn_begin(env_, nullptr, flags, &txn));
    return txn;
  }
  static MDB_dbi table(MDB_txn* txn, const char* name, unsigned flags = 0) {
    MDB_dbi table = 0;
    must(mdb_dbi_open(txn, name, flags, &table));
    return table;
  }
  void put(const char* tableName, std::string_view key, std::string_view value, unsigned flags = 0) {
    MDB_txn* txn = begin();
    MDB_val k = valueOf(key);
    MDB_val v = valueOf(value);
    must(mdb_put(txn, table(txn, tableName, flags), &k, &v, 0));
    must(mdb_txn_commit(txn));
  }
  void erase(const char* tableName, std::string_view key) {
    MDB_txn* txn = begin();
    MDB_val k = valueOf(key);
    must(mdb_del(txn, table(txn, tableName), &k, nullptr));
    must(mdb_txn_commit(txn));
  }
  /// Rewrites a value in place.
  void change(const char* tableName, std::string_view key, const std::function<void(std::string&)>& how) {
    MDB_txn* txn = begin();
    const MDB_dbi dbi = table(txn, tableName);
    MDB_val k = valueOf(key);
    MDB_val v{};
    must(mdb_get(txn, dbi, &k, &v));
    std::string value(static_cast<const char*>(v.mv_data), v.mv_size);
    how(value);
    v = valueOf(value);
    must(mdb_put(txn, dbi, &k, &v, 0));
    must(mdb_txn_commit(txn));
  }
  static void must(int code) {
    if (code != 0) throw std::runtime_error(std::string("LMDB: ") + mdb_strerror(code));
  }
  static MDB_val valueOf(std::string_view bytes) { return {bytes.size(), const_cast<char*>(bytes.data())}; }

 private:
  MDB_env* env_ = nullptr;
};

}  // namespace callsheet::tests
