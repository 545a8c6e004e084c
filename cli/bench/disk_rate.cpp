#include "cli/bench/disk_rate.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "callsheet/errors.h"
#include "cli/bench/bench_child.h"
#include "cli/bench/bench_clock.h"
#include "ipc/file_descriptor.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::size_t blockBytes = 4096;
constexpr off_t blocks = 4096;
constexpr off_t stride = 37;  // so that overwrites are not in the order of the disk
}  // namespace

void DiskRate::measure(unsigned) {
  measureOne(overwrite_, false);
  measureOne(append_, true);
}

void DiskRate::measureOne(Series& series, bool isAppending) const {
  const std::string path = directory_.makeFresh() + "/blocks";
  const FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  std::array<char, blockBytes> block{};
  block.fill('x');
  const auto write = [&](off_t at) {
    if (::pwrite(file.number(), block.data(), block.size(), at * static_cast<off_t>(blockBytes)) !=
        static_cast<ssize_t>(blockBytes))
      throw systemError("a block cannot be written in the bench's directory", errno);
  };
  // What is overwritten must have its place on the disk already, else each write would be an append.
  for (off_t i = 0; !isAppending && i < blocks; ++i) write(i);
  ::fsync(file.number());

  std::vector<double> micros;
  const std::int64_t began = benchNanos();
  const std::int64_t until = began + nanosOf(settings_.seconds / 2);
  std::int64_t now = began;
  for (off_t i = 0; now < until; ++i) {
    const std::int64_t before = now;
    write(isAppending ? i : (i * stride) % blocks);
    if (::fdatasync(file.number()) != 0) throw systemError("a block cannot be flushed in the bench's directory", errno);
    now = benchNanos();
    micros.push_back(static_cast<double>(now - before) / 1e3);
  }
  throwIfInterrupted();
  series.perSecond.push_back(static_cast<double>(micros.size()) / (static_cast<double>(now - began) / 1e9));
  series.micros.push_back(std::move(micros));
}

void DiskRate::report(BenchReport& report) const {
  report.add(group(), "overwrite 4 KiB and fdatasync", "/s", overwrite_.perSecond);
  report.addPercentile(group(), "overwrite 4 KiB and fdatasync, p50", "us", 50, overwrite_.micros);
  report.add(group(), "append 4 KiB and fdatasync", "/s", append_.perSecond);
  report.addPercentile(group(), "append 4 KiB and fdatasync, p50", "us", 50, append_.micros);
}

}  // namespace v1
}  // namespace callsheet
