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
#include <utility>

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::size_t mapBytes = std::size_t{4} << 30;
using Payload = std::array<char, loadPayloadBytes>;

void require(int result, const char* what) {
  if (result != MDB_SUCCESS)
    throw Error(ErrorKind::io, std::string("the bare loop cannot ") + what + ": " + mdb_strerror(result));
}

/// A number as a key: what is submitted first comes first.
struct NumberKey {
  std::uint64_t bytes;
  explicit NumberKey(std::uint64_t number) : bytes(htobe64(number)) {}
  explicit NumberKey(const MDB_val& key) { std::memcpy(&bytes, key.mv_data, sizeof bytes); }
  [[nodiscard]] std::uint64_t number() const { return be64toh(bytes); }
  [[nodiscard]] MDB_val value() { return {sizeof bytes, &bytes}; }
};

class Transaction {
 public:
  Transaction(MDB_env* environment, unsigned flags) {
    require(mdb_txn_begin(environment, nullptr, flags, &txn_), "begin");
  }
  ~Transaction() {
    if (txn_ != nullptr) mdb_txn_abort(txn_);
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit() { require(mdb_txn_commit(std::exchange(txn_, nullptr)), "commit"); }
  operator MDB_txn*() const { return txn_; }

 private:
  MDB_txn* txn_ = nullptr;
};

class BareClient final : public LoadClient {
 public:
  BareClient(const std::string& directory, LoadPage& page, unsigned pair)
      : self_(page.pair[pair]), first_(page.firstOf(pair)), last_(first_ + page.jobsMax - 1) {
    // With one pair the numbers only grow, which LMDB may be told; several pairs write at several places.
    putFlags_ = page.pairs == 1 ? MDB_APPEND : 0;
    payload_.fill('x');
    require(mdb_env_create(&environment_), "begin to open");
    require(mdb_env_set_maxdbs(environment_, 2), "have two tables");
    require(mdb_env_set_mapsize(environment_, mapBytes), "set its map");
    require(mdb_env_open(environment_, directory.c_str(), 0, 0600), "open");
    Transaction txn(environment_, 0);
    require(mdb_dbi_open(txn, "ready", MDB_CREATE, &ready_), "make a table");
    require(mdb_dbi_open(txn, "running", MDB_CREATE, &running_), "make a table");
    txn.commit();
  }
  ~BareClient() override { mdb_env_close(environment_); }
  BareClient(const BareClient&) = delete;
  BareClient& operator=(const BareClient&) = delete;

  void submit(std::uint64_t first, std::uint32_t count) override {
    Transaction txn(environment_, 0);
    for (std::uint32_t i = 0; i < count; ++i) {
      NumberKey key(first + i);
      std::memcpy(payload_.data(), &key.bytes, sizeof key.bytes);
      put(txn, ready_, key, payload_);
    }
    txn.commit();
    self_.bell.fetch_add(1);
    if (self_.sleepers.load() != 0) futex(FUTEX_WAKE, INT_MAX, nullptr);
  }

  void completeAndClaim(std::uint32_t max, std::vector<std::uint64_t>& numbers) override {
    Transaction txn(environment_, 0);
    for (const std::uint64_t number : numbers) {
      NumberKey key(number);
      MDB_val keyValue = key.value();
      require(mdb_del(txn, running_, &keyValue, nullptr), "complete");
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
  void put(MDB_txn* txn, MDB_dbi table, NumberKey key, Payload& payload) const {
    MDB_val keyValue = key.value();
    MDB_val value{payload.size(), payload.data()};
    require(mdb_put(txn, table, &keyValue, &value, putFlags_), "put");
  }

  void claim(MDB_txn* txn, std::uint32_t max, std::vector<std::uint64_t>& numbers) {
    MDB_cursor* cursor = nullptr;
    require(mdb_cursor_open(txn, ready_, &cursor), "read");
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
      require(mdb_cursor_del(cursor, 0), "take");
      put(txn, running_, found, payload);
      // The number that came is the one in the payload: the check is to see what was stored.
      std::uint64_t carried = 0;
      std::memcpy(&carried, payload.data(), sizeof carried);
      numbers.push_back(be64toh(carried));
    }
    mdb_cursor_close(cursor);
  }

  [[nodiscard]] bool hasReady() {
    const Transaction txn(environment_, MDB_RDONLY);
    MDB_cursor* cursor = nullptr;
    require(mdb_cursor_open(txn, ready_, &cursor), "read");
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
  MDB_env* environment_ = nullptr;
  MDB_dbi ready_ = 0;
  MDB_dbi running_ = 0;
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
