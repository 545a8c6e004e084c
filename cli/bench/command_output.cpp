#include "cli/bench/command_output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <functional>
#include <string_view>

#include "cli/bench/api_principal.h"
#include "cli/bench/bench_clock.h"
#include "cli/bench/command_job.h"
#include "cli/bench/process_figures.h"
#include "cli/bench/store_loop.h"
#include "cli/bench/stream_connection.h"
#include "director/store_access.h"
#include "jobs/task_machine.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::chrono::microseconds betweenLines{1'000};
constexpr double mib = 1u << 20;
constexpr double aimLineMillis = 200;
constexpr double aimGrowthMiB = 16;

JobID submitCommand(const std::string& place, const std::vector<std::string>& argv) {
  Submit verb;
  verb.jobs.push_back(commandJob(argv));
  const JobID id = verb.jobs.front().id;
  if (!isAccepted(StoreAccess::open(place, benchStoreID, {})->store().apply(std::move(verb)).verdict))
    throw BenchFailure("a command was not accepted");
  return id;
}

/// Follows a task's output to its end, chunk by chunk.
void follow(const std::string& socketPath, JobID task, const std::function<void(std::string_view)>& take) {
  constexpr std::string_view lineEnd = "\r\n";
  StreamConnection connection(socketPath);
  connection.send(fmt::format("GET /v1/tasks/{}/output?follow=1 HTTP/1.1\r\nHost: localhost\r\n\r\n", shortIDOf(task)));
  const auto await = [&](std::string_view end) {
    std::size_t at = 0;
    while ((at = connection.received().find(end)) == std::string_view::npos) connection.awaitMore();
    return at;
  };
  const std::size_t headSize = await("\r\n\r\n") + 4;
  if (!connection.received().starts_with("HTTP/1.1 200 ")) throw BenchFailure("a command's output was refused");
  connection.take(headSize);
  for (;;) {
    const std::size_t sizeEnd = await(lineEnd);
    const std::string_view text = connection.received().substr(0, sizeEnd);
    std::size_t size = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), size, 16).ec != std::errc{})
      throw BenchFailure("an answer has a chunk without a size");
    const std::size_t begin = sizeEnd + lineEnd.size();
    while (connection.received().size() < begin + size + lineEnd.size()) connection.awaitMore();
    take(connection.received().substr(begin, size));
    connection.take(begin + size + lineEnd.size());
    if (size == 0) return;
  }
}

}  // namespace

void CommandOutput::runPrinter(unsigned milliseconds) {
  const std::string rest(80, '.');
  const std::int64_t until = benchNanos() + std::int64_t{milliseconds} * 1'000'000;
  while (benchNanos() < until) {
    const std::string line = fmt::format("{} {}\n", benchNanos(), rest);
    if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) return;
    nap(betweenLines);
  }
}

void CommandOutput::measure(unsigned) {
  const std::string place = directory_.makeFresh();
  ApiPrincipal principal(place);
  const auto milliseconds = static_cast<unsigned>(settings_.seconds * 1e3);
  std::vector<double> millis;
  std::string rest;
  const JobID printer = submitCommand(place, {ownProgram(), "bench-role", role, place, std::to_string(milliseconds)});
  follow(principal.socketPath(), printer, [&](std::string_view piece) {
    const std::int64_t now = benchNanos();
    rest += piece;
    std::size_t at = 0;
    for (std::size_t end = 0; (end = rest.find('\n', at)) != std::string::npos; at = end + 1) {
      std::int64_t printed = 0;
      std::from_chars(rest.data() + at, rest.data() + end, printed);
      millis.push_back(static_cast<double>(now - printed) / 1e6);
    }
    rest.erase(0, at);
  });
  // Those that were printed before anybody followed tell nothing.
  if (millis.size() < 10) throw BenchFailure("a command's lines did not come");
  millis.erase(millis.begin(), millis.begin() + static_cast<std::ptrdiff_t>(millis.size() / 10));
  lineMillis_.push_back(std::move(millis));

  const std::uint64_t bytes = std::uint64_t{settings_.outputMiB} << 20;
  const double before = memoryOf(principal.pid()).residentMiB;
  double most = before;
  std::uint64_t seen = 0;
  const std::int64_t begun = benchNanos();
  const JobID large = submitCommand(place, {"/usr/bin/head", "-c", std::to_string(bytes), "/dev/zero"});
  follow(principal.socketPath(), large, [&](std::string_view piece) {
    if (seen >> 26 != (seen + piece.size()) >> 26) most = std::max(most, memoryOf(principal.pid()).residentMiB);
    seen += piece.size();
  });
  if (seen != bytes) throw BenchFailure(fmt::format("of {} bytes of a command's output {} came", bytes, seen));
  mibPerSecond_.push_back(static_cast<double>(bytes) / mib / (static_cast<double>(benchNanos() - begun) / 1e9));
  principalGrowthMiB_.push_back(std::max(most, memoryOf(principal.pid()).residentMiB) - before);
  principal.stop(2);
}

void CommandOutput::report(BenchReport& report) const {
  report.addPercentile(group(), "a line, from printed to read over HTTP, p50", "ms", 50, lineMillis_);
  report.addPercentile(group(), "a line, from printed to read over HTTP, p99", "ms", 99, lineMillis_,
                       BenchAim{aimLineMillis, false, ""});
  report.add(group(), fmt::format("{} MiB printed, kept and followed", settings_.outputMiB), "MiB/s", mibPerSecond_);
  report.add(group(), fmt::format("the principal's growth while {} MiB are followed", settings_.outputMiB), "MiB",
             principalGrowthMiB_, BenchAim{aimGrowthMiB, false, ""});
}

}  // namespace v1
}  // namespace callsheet
