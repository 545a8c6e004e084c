#include "store/pending_writes.h"

#include <algorithm>
#include <cstring>

namespace callsheet {
inline namespace v1 {

void PendingWrites::add(std::string_view key, std::string_view value, bool isErase) {
  const Write write{static_cast<std::uint32_t>(key.size()), static_cast<std::uint32_t>(value.size()), isErase};
  const std::size_t size = bytes_.size() + sizeof write + key.size() + value.size();
  if (size > bytes_.capacity()) bytes_.reserve(std::max<std::size_t>(2 * size, 4096));
  bytes_.append(reinterpret_cast<const char*>(&write), sizeof write).append(key).append(value);
}

void PendingWrites::carryOut(LmdbCursor& cursor) {
  for (const char *at = bytes_.data(), *end = at + bytes_.size(); at < end;) {
    Write write{};
    std::memcpy(&write, at, sizeof write);
    const std::string_view key(at + sizeof write, write.keyBytes);
    const std::string_view value(key.data() + key.size(), write.valueBytes);
    at = value.data() + value.size();
    if (write.isErase)
      cursor.erase(key);
    else
      cursor.put(key, value);
  }
  bytes_.clear();
}

}  // namespace v1
}  // namespace callsheet
