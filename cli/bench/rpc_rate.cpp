#include "cli/bench/rpc_rate.h"

#include <fmt/format.h>

#include "cli/bench/api_principal.h"
#include "cli/bench/bench_child.h"
#include "cli/bench/machine.h"
#include "cli/bench/process_figures.h"
#include "cli/bench/rpc_session.h"

namespace callsheet {
inline namespace v1 {

std::string connectionsText(std::size_t connections) {
  return connections == 1 ? "1 connection" : fmt::format("{} connections", connections);
}

RpcRun runRpc(const BenchDirectory& directory, std::size_t connections, std::size_t batch, double seconds) {
  ApiPrincipal principal(directory.makeFresh());
  CycleLedger ledger;
  std::vector<std::unique_ptr<CycleSession>> sessions;
  for (std::size_t i = 0; i < connections; ++i) sessions.push_back(std::make_unique<RpcSession>(ledger, batch));
  const DiskMeter meter(principal.directory());
  const std::uint64_t commitsBefore = principal.commits();
  const auto diskBefore = meter.read();
  const std::int64_t serverBefore = processorNanosOf(principal.pid());
  const std::int64_t clientBefore = processorNanos();
  const double taken = driveCycles(principal.socketPath(), sessions, seconds);
  const std::int64_t clientAfter = processorNanos();
  const std::int64_t serverAfter = processorNanosOf(principal.pid());
  const auto diskAfter = meter.read();
  ledger.requireAllDone();
  if (ledger.doneCount() == 0) throw BenchFailure("no task was done over the API");

  RpcRun run;
  const auto cycles = static_cast<double>(ledger.doneCount());
  run.cyclesPerSecond = cycles / taken;
  run.commits = static_cast<double>(principal.commits() - commitsBefore) / cycles;
  if (diskBefore && diskAfter) run.flushes = static_cast<double>(diskAfter->flushes - diskBefore->flushes) / cycles;
  run.serverMicros = static_cast<double>(serverAfter - serverBefore) / 1e3 / cycles;
  run.clientMicros = static_cast<double>(clientAfter - clientBefore) / 1e3 / cycles;
  principal.stop(ledger.doneCount());
  return run;
}

void RpcRate::measure(unsigned) {
  for (Shape& shape : shapes_)
    shape.runs.push_back(runRpc(directory_, shape.connections, shape.batch, settings_.seconds));
}

void RpcRate::report(BenchReport& report) const {
  for (const Shape& shape : shapes_) RpcRate::report(report, group(), shape);
}

void RpcRate::report(BenchReport& report, const std::string& group, const Shape& shape) {
  std::vector<double> rates;
  std::vector<double> commits;
  std::vector<double> flushes;
  std::vector<double> server;
  std::vector<double> client;
  for (const RpcRun& run : shape.runs) {
    rates.push_back(run.cyclesPerSecond);
    commits.push_back(run.commits);
    if (run.flushes >= 0) flushes.push_back(run.flushes);
    server.push_back(run.serverMicros);
    client.push_back(run.clientMicros);
  }
  const std::string what = connectionsText(shape.connections) +
                           (shape.batch == 1 ? std::string(", singly") : fmt::format(", batches of {}", shape.batch));
  report.add(group, what, "cycles/s", rates);
  report.add(group, what + ", commits", "/cycle", commits);
  report.add(group, what + ", flushes of the disk", "/cycle", flushes);
  report.add(group, what + ", processor time of the principal", "us/cycle", server);
  report.add(group, what + ", processor time of the client", "us/cycle", client);
}

}  // namespace v1
}  // namespace callsheet
