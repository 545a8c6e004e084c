// Durability `power`: what was answered is there after a cut. A filesystem on a loop device is shut down under a
// process that submits; what it had not flushed is lost, as in a power cut. Needs root and a loop device.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>

#include "tests/store/raw_environment.h"
#include "tests/support/process_role.h"
#include "tests/support/store_fixture.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

constexpr int acknowledgedMin = 150;

/// Submits one job after the other and says each that was answered, until the disk is gone.
const RoleRegistration submitsUntilCut("submits-until-cut", [](RoleChannel& channel) {
  const auto store = LmdbJobStore::open(channel.argument("store"), {});
  for (;;) {
    const NewJob job = newJob();
    const auto answer = store->apply(submitOf({job}));
    if (answer.verdict != Verdict::ok) return 0;
    channel.say(job.id.toString());
  }
});

/// The control: LMDB that flushes nothing.
const RoleRegistration putsUnflushed("puts-unflushed", [](RoleChannel& channel) {
  MDB_env* env = nullptr;
  RawEnvironment::must(mdb_env_create(&env));
  const std::unique_ptr<MDB_env, decltype(&mdb_env_close)> closed(env, mdb_env_close);
  RawEnvironment::must(mdb_env_set_mapsize(env, std::size_t{1} << 30));
  RawEnvironment::must(mdb_env_open(env, channel.argument("store").c_str(), MDB_NOSYNC, 0600));
  for (std::uint64_t number = 0;; ++number) {
    MDB_txn* txn = nullptr;
    if (mdb_txn_begin(env, nullptr, 0, &txn) != 0) return 0;
    const std::string text = std::to_string(number);
    MDB_val key = RawEnvironment::valueOf(text);
    if (mdb_put(txn, RawEnvironment::table(txn, nullptr), &key, &key, 0) != 0 || mdb_txn_commit(txn) != 0) return 0;
    channel.say(text);
  }
});

/// An ext4 of its own on a loop device, which can lose its power.
class CutDisk {
 public:
  CutDisk() {
    std::filesystem::create_directory(mountPoint());
    isThere_ =
        ::geteuid() == 0 && runs("truncate -s 64M '" + image() + "' && mkfs.ext4 -q -F '" + image() + "'") && mount();
  }
  ~CutDisk() { unmount(); }
  CutDisk(const CutDisk&) = delete;
  CutDisk& operator=(const CutDisk&) = delete;

  [[nodiscard]] bool isThere() const { return isThere_; }
  /// A directory on it.
  [[nodiscard]] std::string directory() const { return mountPoint() + "/store"; }
  /// From now on nothing reaches the disk, not even the journal that was written already.
  void cut() const {
    const int opened = ::open(mountPoint().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    std::uint32_t withoutFlush = 2;
    const int code = ::ioctl(opened, _IOR('X', 125, std::uint32_t), &withoutFlush);
    ::close(opened);
    REQUIRE(code == 0);
  }
  /// When nobody uses it any more.
  void comeBack() {
    unmount();
    REQUIRE(mount());
  }

 private:
  [[nodiscard]] std::string image() const { return place_ / "image"; }
  [[nodiscard]] std::string mountPoint() const { return place_ / "mounted"; }
  static bool runs(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }
  bool mount() { return isMounted_ = runs("mount -o loop '" + image() + "' '" + mountPoint() + "'"); }
  void unmount() {
    if (isMounted_) isMounted_ = !runs("umount '" + mountPoint() + "'");
  }
  TemporaryDirectory place_;
  bool isMounted_ = false;
  bool isThere_ = false;
};

/// What the role had said by the cut, which comes when there is enough; all it says afterwards too.
std::vector<std::string> saidUntilCut(const std::string& role, CutDisk& disk) {
  std::filesystem::create_directory(disk.directory());
  REQUIRE(std::system("sync") == 0);
  RoleProcess writer(role, {"store=" + disk.directory()});
  std::vector<std::string> said;
  while (said.size() < acknowledgedMin) said.push_back(writer.readLine().value());
  disk.cut();
  while (const auto line = writer.readLine()) said.push_back(*line);
  CHECK(writer.waitForEnd() == 0);
  disk.comeBack();
  return said;
}

}  // namespace

TEST_CASE("Every job whose submit was answered is there after a power cut", "[serial]") {
  for (int round = 0; round < 3; ++round) {
    CutDisk disk;
    if (!disk.isThere()) {
      std::cout << "SKIPPED: a filesystem on a loop device needs root and loop devices\n";
      return;
    }
    const auto said = saidUntilCut("submits-until-cut", disk);
    LmdbStoreOptions options;
    options.create = false;
    const auto store = LmdbJobStore::open(disk.directory(), options);
    std::size_t lost = 0;
    for (const std::string& id : said)
      if (!store->find(JobID::parse(id).value())) ++lost;
    CHECK(said.size() >= acknowledgedMin);
    CHECK(lost == 0);
    CHECK(store->check().isClean());
  }
}

TEST_CASE("Without flushes a power cut loses what was acknowledged, so that cutting shows something", "[serial]") {
  CutDisk disk;
  if (!disk.isThere()) {
    std::cout << "SKIPPED: a filesystem on a loop device needs root and loop devices\n";
    return;
  }
  const auto said = saidUntilCut("puts-unflushed", disk);
  std::error_code none;
  const auto size = std::filesystem::file_size(disk.directory() + "/data.mdb", none);
  std::size_t found = 0;
  if (!none && size > 0) {
    RawEnvironment raw(disk.directory());
    MDB_txn* txn = raw.begin(MDB_RDONLY);
    MDB_stat rows{};
    if (mdb_stat(txn, RawEnvironment::table(txn, nullptr), &rows) == 0) found = rows.ms_entries;
    mdb_txn_abort(txn);
  }
  CHECK(found < said.size());
}
