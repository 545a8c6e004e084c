#include "store/lmdb_cursor.h"

#include "store/lmdb_error.h"

namespace callsheet {
inline namespace v1 {

namespace {
MDB_val valueOf(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};
}
std::string_view viewOf(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}
}  // namespace

LmdbCursor::~LmdbCursor() {
  if (cursor_ != nullptr) mdb_cursor_close(cursor_);
}

MDB_cursor* LmdbCursor::open() {
  if (cursor_ == nullptr) checkLmdb(mdb_cursor_open(txn_, tree_, &cursor_), "open a cursor");
  return cursor_;
}

bool LmdbCursor::get(std::string_view key, std::string_view& value) {
  MDB_val k = valueOf(key);
  MDB_val v{};
  const int code = mdb_cursor_get(open(), &k, &v, MDB_SET);
  if (code == MDB_NOTFOUND) return false;
  checkLmdb(code, "read a row");
  value = viewOf(v);
  return true;
}

void LmdbCursor::put(std::string_view key, std::string_view value) {
  MDB_val k = valueOf(key);
  MDB_val v = valueOf(value);
  checkLmdb(mdb_cursor_put(open(), &k, &v, 0), "write a row");
}

void LmdbCursor::putBack(std::string_view key, std::string_view value) {
  MDB_val k = valueOf(key);
  MDB_val v = valueOf(value);
  checkLmdb(mdb_cursor_put(open(), &k, &v, MDB_CURRENT), "write a row");
}

bool LmdbCursor::erase(std::string_view key) {
  std::string_view value;
  if (!get(key, value)) return false;
  checkLmdb(mdb_cursor_del(cursor_, 0), "delete a row");
  return true;
}

void LmdbCursor::scan(std::string_view from,
                      const std::function<bool(std::string_view key, std::string_view value)>& visit) {
  MDB_val k = valueOf(from);
  MDB_val v{};
  int code = mdb_cursor_get(open(), &k, &v, from.empty() ? MDB_FIRST : MDB_SET_RANGE);
  while (code == 0 && visit(viewOf(k), viewOf(v))) code = mdb_cursor_get(cursor_, &k, &v, MDB_NEXT);
  if (code != MDB_NOTFOUND) checkLmdb(code, "walk its rows");
}

bool LmdbCursor::step(MDB_cursor_op operation, std::string_view& key) {
  MDB_val k = valueOf(key);
  MDB_val v{};
  const int code = mdb_cursor_get(open(), &k, &v, operation);
  if (code == MDB_NOTFOUND) return false;
  checkLmdb(code, "walk its rows");
  key = viewOf(k);
  return true;
}

bool LmdbCursor::seek(std::string_view from, std::string_view& key) {
  key = from;
  return step(MDB_SET_RANGE, key);
}
bool LmdbCursor::previous(std::string_view& key) {
  return step(MDB_PREV, key);
}
bool LmdbCursor::last(std::string_view& key) {
  return step(MDB_LAST, key);
}

}  // namespace v1
}  // namespace callsheet
