#pragma once
#include <lmdb.h>

#include <functional>
#include <string_view>

namespace callsheet {
inline namespace v1 {

/// A place in the store's tree, inside one transaction. It remembers where it was, so that a read or write near there
/// does not begin at the root again: rows of one region are mostly touched side by side, and a region has a cursor of
/// its own. Opened at the first use; must end before its transaction does. Single-threaded.
class LmdbCursor {
 public:
  LmdbCursor(MDB_txn* txn, MDB_dbi tree) : txn_(txn), tree_(tree) {}
  ~LmdbCursor();
  LmdbCursor(const LmdbCursor&) = delete;
  LmdbCursor& operator=(const LmdbCursor&) = delete;

  /// The value under a key; false when there is none. Valid until the transaction ends or writes.
  [[nodiscard]] bool get(std::string_view key, std::string_view& value);
  void put(std::string_view key, std::string_view value);
  /// The same where `key` is what get() found last, and neither this nor any other cursor of the tree has moved or
  /// written since: LMDB need not look for it again.
  void putBack(std::string_view key, std::string_view value);
  /// Whether there was one.
  bool erase(std::string_view key);
  /// Walks from the first key not below `from`, upwards, until the visitor answers false. The visitor must not use this
  /// cursor.
  void scan(std::string_view from, const std::function<bool(std::string_view key, std::string_view value)>& visit);

  /// One step: to the first key not below the given one, or to a neighbour. False at the end of the tree.
  [[nodiscard]] bool seek(std::string_view from, std::string_view& key);
  [[nodiscard]] bool previous(std::string_view& key);
  [[nodiscard]] bool last(std::string_view& key);

 private:
  [[nodiscard]] MDB_cursor* open();
  [[nodiscard]] bool step(MDB_cursor_op operation, std::string_view& key);

  MDB_txn* txn_;
  MDB_dbi tree_;
  MDB_cursor* cursor_ = nullptr;
};

}  // namespace v1
}  // namespace callsheet
