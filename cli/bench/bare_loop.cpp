#include "cli/bench/bare_loop.h"

#include <endian.h>
#include <fmt/format.h>
#include <linux/futex.h>
#include <lmdb.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstring>

#include "cli/bench/bare_lmdb.h"

namespace callsheet {
inline namespace v1 {

namespace {

using Payload = std::array<char, loadPayloadBytes>;

/// A number as a key: what is submitted first comes first.
struct NumberKey {
  std::uint64_t bytes;
  explicit NumberKey(std::uint64_t number) : bytes(htobe64(number)) {}
  explicit NumberKey(const MDB_val& key) { std::memcpy(&bytes, key.mv_data, sizeof bytes); }
  [[nodiscard]] std::uint64_t number() const { return be64toh(bytes); }
  [[nodiscard]] MDB_val value() { return {sizeof bytes, &bytes}; }
  [[nodiscard]] std::string_view view() const { return {reinterpret_cast<const char*>(&bytes), sizeof bytes}; }
};

class BareClient final : public LoadClient {
 public:
  BareClient(const std::string& directory, LoadPage& page, unsigned pair)
      : self_(page.pair[pair]),
        first_(page.firstOf(pair)),
        last_(first_ + page.jobsMax - 1),
        environment_(directory, "ready", "running") {
    // With one pair the numbers only grow, which LMDB may be told; several pairs write at several places.
    putFlags_ = page.pairs == 1 ? MDB_APPEND : 0;
    payload_.fill('x');
  }

  void submit(std::uint64_t first, std::uint32_t count) override {
    BareTransaction txn(environment_, 0);
    for (std::uint32_t i = 0; i < count; ++i) {
      NumberKey key(first + i);
      std::memcpy(payload_.data(), &key.bytes, sizeof key.bytes);
      put(txn, environment_.first(), key, payload_);
    }
    txn.commit();
    self_.bell.fetch_add(1);
    if (self_.sleepers.load() != 0) futex(FUTEX_WAKE, INT_MAX, nullptr);
  }

  void completeAndClaim(std::uint32_t max, std::vector<std::uint64_t>& numbers) override {
    BareTransaction txn(environment_, 0);
    for (const std::uint64_t number : numbers) {
      NumberKey key(number);
      MDB_val keyValue = key.value();
      requireLmdb(mdb_del(txn, environment_.second(), &keyValue, nullptr), "complete");
    }
    const bool isCompleting = !numbers.empty();
    numbers.clear();
    claim(txn, max, numbers);
    if (isCompleting || !numbers.empty()) txn.commit();
  }

  // The bell is read before the look, so that no ring between the two is slept over.
  void waitForWork() override {
    const std::uint32_t rings = self_.bell.load();
    if (hasReady()) return;
    const timespec second{1, 0};
    self_.sleepers.fetch_add(1);
    futex(FUTEX_WAIT, rings, &second);
    self_.sleepers.fetch_sub(1);
  }

 private:
  void put(MDB_txn* txn, MDB_dbi table, NumberKey key, const Payload& payload) const {
    putBare(txn, table, key.view(), {payload.data(), payload.size()}, putFlags_);
  }

  void claim(MDB_txn* txn, std::uint32_t max, std::vector<std::uint64_t>& numbers) {
    MDB_cursor* cursor = nullptr;
    requireLmdb(mdb_cursor_open(txn, environment_.first(), &cursor), "read");
    NumberKey from(first_);
    MDB_val key = from.value();
    MDB_val value{};
    while (numbers.size() < max) {
      // What was there is moved away each time, so the head is found anew.
      key = from.value();
      if (mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE) != MDB_SUCCESS) break;
      const NumberKey found(key);
      if (found.number() > last_) break;
      Payload payload;
      std::memcpy(payload.data(), value.mv_data, payload.size());
      requireLmdb(mdb_cursor_del(cursor, 0), "take");
      put(txn, environment_.second(), found, payload);
      // The number that came is the one in the payload: the check is to see what was stored.
      std::uint64_t carried = 0;
      std::memcpy(&carried, payload.data(), sizeof carried);
      numbers.push_back(be64toh(carried));
    }
    mdb_cursor_close(cursor);
  }

  [[nodiscard]] bool hasReady() {
    const BareTransaction txn(environment_, MDB_RDONLY);
    MDB_cursor* cursor = nullptr;
    requireLmdb(mdb_cursor_open(txn, environment_.first(), &cursor), "read");
    NumberKey from(first_);
    MDB_val key = from.value();
    MDB_val value{};
    const bool has =
        mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE) == MDB_SUCCESS && NumberKey(key).number() <= last_;
    mdb_cursor_close(cursor);
    return has;
  }

  long futex(int operation, std::uint32_t value, const timespec* timeout) const {
    return ::syscall(SYS_futex, static_cast<void*>(&self_.bell), operation, value, timeout, nullptr, 0);
  }

  LoadPage::Pair& self_;
  const std::uint64_t first_;
  const std::uint64_t last_;
  unsigned putFlags_ = 0;
  Payload payload_{};
  BareEnvironment environment_;
};

}  // namespace

std::unique_ptr<LoadClient> makeBareClient(const std::string& directory, LoadPage& page, unsigned pair) {
  return std::make_unique<BareClient>(directory, page, pair);
}

std::string lmdbVersion() {
  int major = 0;
  int minor = 0;
  int patch = 0;
  (void)mdb_version(&major, &minor, &patch);
  return fmt::format("LMDB {}.{}.{}", major, minor, patch);
}

}  // namespace v1
}  // namespace callsheet
