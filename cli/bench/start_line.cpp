#include "cli/bench/start_line.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "callsheet/errors.h"
#include "cli/bench/bench_child.h"
#include "cli/bench/bench_clock.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr int patienceMillis = 60'000;
}

StartLine::StartLine(const std::string& directory) {
  const std::string path = directory + "/start-line";
  // Read and write, so that it is never at its end.
  if (::mkfifo(path.c_str(), 0600) == 0) reader_ = FileDescriptor(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!reader_.isOpen()) throw systemError("a FIFO cannot be made in " + directory, errno);
  command_ = {"/bin/sh", "-c", "echo >\"$0\"", path};
}

std::int64_t StartLine::awaitStarts(std::size_t count) const {
  char bytes[4096];
  while (count > 0) {
    throwIfInterrupted();
    pollfd watched{reader_.number(), POLLIN, 0};
    if (::poll(&watched, 1, patienceMillis) <= 0) throw BenchFailure("commands did not begin in time");
    const ssize_t read = ::read(reader_.number(), bytes, std::min(count, sizeof bytes));
    if (read > 0) count -= static_cast<std::size_t>(read);
  }
  return benchNanos();
}

}  // namespace v1
}  // namespace callsheet
