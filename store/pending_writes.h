#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "store/lmdb_cursor.h"

namespace callsheet {
inline namespace v1 {

/// Writes of one region that a transaction has made but not yet carried out. LMDB gives out pages in the order in which
/// they are first touched; kept back, the writes of a region touch theirs side by side, and what a commit has to write
/// lies in few runs on the disk instead of many. Single-threaded.
class PendingWrites {
 public:
  [[nodiscard]] bool isEmpty() const { return bytes_.empty(); }
  void put(std::string_view key, std::string_view value) { add(key, value, false); }
  void erase(std::string_view key) { add(key, {}, true); }
  /// In the order in which they came.
  void carryOut(LmdbCursor& cursor);

 private:
  struct Write {
    std::uint32_t keyBytes;
    std::uint32_t valueBytes;
    bool isErase;
  };
  void add(std::string_view key, std::string_view value, bool isErase);

  std::string bytes_;  // of each write its Write, its key and its value, one after the other
};

}  // namespace v1
}  // namespace callsheet
