#include "cli/bench/peer_rate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>

#include "callsheet/errors.h"
#include "cli/bench/bench_child.h"
#include "cli/bench/cycles.h"
#include "cli/bench/peer_sessions.h"
#include "cli/bench/program_path.h"
#include "cli/bench/rpc_rate.h"
#include "cli/bench/stream_connection.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::array<std::size_t, 3> connections{1, 8, 64};
constexpr std::chrono::seconds patience{30};

// Both make their socket in the directory in which they begin.
constexpr const char* socketName = "peer.sock";
// Redis's log is never rewritten: that is a process of its own beside the one that is measured.
constexpr const char* redisConfiguration =
    "port 0\nunixsocket peer.sock\nloglevel warning\nsave \"\"\n"
    "appendonly yes\nappendfsync always\nauto-aof-rewrite-percentage 0\n";

void requireRedisOk(StreamConnection& connection, const std::string& request) {
  connection.send(request);
  while (redisAnswerSize(connection.received()) == 0) connection.awaitMore();
  if (!connection.received().starts_with('+')) throw BenchFailure("redis-server refused to make a stream");
}

void awaitServer(BenchChild& server, const std::string& socketPath) {
  std::vector<BenchChild> none;
  awaitCondition(socketPath, patience, none, [&] {
    server.requireAlive();
    try {
      const StreamConnection connection(socketPath);
      return true;
    } catch (const Error&) {
      return false;
    }
  });
}

}  // namespace

PeerRate::PeerRate(const BenchSettings& settings, const BenchDirectory& directory)
    : settings_(settings),
      directory_(directory),
      peers_{{Protocol::beanstalk, "beanstalkd", programPath("beanstalkd"), "beanstalkd -f0: put, reserve, delete", {}},
             {Protocol::redis,
              "redis-server",
              programPath("redis-server"),
              "Redis, appendfsync always: XADD, XREADGROUP, XACK",
              {}}},
      rpc_(connections.size()) {
  for (Peer& peer : peers_) peer.cyclesPerSecond.resize(connections.size());
}

bool PeerRate::hasPeer() const {
  return std::any_of(peers_.begin(), peers_.end(), [](const Peer& peer) { return !peer.path.empty(); });
}

void PeerRate::measure(unsigned repetition) {
  if (!hasPeer()) return;
  for (std::size_t i = 0; i < connections.size(); ++i) {
    const auto measureRpc = [&] {
      rpc_[i].push_back(runRpc(directory_, connections[i], 1, settings_.seconds).cyclesPerSecond);
    };
    // Now the one first, now the others: what the machine does besides changes slowly and then favours neither.
    if (repetition % 2 == 0) measureRpc();
    for (Peer& peer : peers_)
      if (!peer.path.empty()) peer.cyclesPerSecond[i].push_back(run(peer, connections[i]));
    if (repetition % 2 != 0) measureRpc();
  }
}

double PeerRate::run(const Peer& peer, std::size_t connectionCount) const {
  const std::string place = directory_.makeFresh();
  const std::string socketPath = fmt::format("{}/{}", place, socketName);
  const bool isRedis = peer.protocol == Protocol::redis;
  std::vector<std::string> arguments{"-l", "unix:peer.sock", "-b", ".", "-f0"};
  if (isRedis) {
    std::ofstream(place + "/redis.conf") << redisConfiguration;
    arguments = {"redis.conf"};
  }
  BenchChild server = BenchChild::startProgram(peer.path, arguments, place);
  awaitServer(server, socketPath);
  if (isRedis) {
    StreamConnection connection(socketPath);
    requireRedisOk(connection, RedisSession::groupRequest());
  }
  CycleLedger ledger;
  std::vector<std::unique_ptr<CycleSession>> sessions;
  for (std::size_t i = 0; i < connectionCount; ++i) {
    if (isRedis)
      sessions.push_back(std::make_unique<RedisSession>(ledger, i));
    else
      sessions.push_back(std::make_unique<BeanstalkSession>(ledger));
  }
  const double seconds = driveCycles(socketPath, sessions, settings_.seconds);
  ledger.requireAllDone();
  return static_cast<double>(ledger.doneCount()) / seconds;
}

void PeerRate::report(BenchReport& report) const {
  for (const Peer& peer : peers_)
    if (peer.path.empty()) report.note(group(), peer.program + " is not installed, so it was not measured.");
  for (std::size_t i = 0; i < connections.size(); ++i) {
    const std::string with = connectionsText(connections[i]);
    report.add(group(), "the API, " + with, "cycles/s", rpc_[i]);
    for (const Peer& peer : peers_) {
      const std::vector<double>& rates = peer.cyclesPerSecond[i];
      report.add(group(), peer.words + ", " + with, "cycles/s", rates);
      std::vector<double> ratios;
      for (std::size_t k = 0; k < rates.size(); ++k) ratios.push_back(rpc_[i][k] / rates[k]);
      report.add(group(), fmt::format("the API / {} of the same repetition, {}", peer.program, with), "ratio", ratios);
    }
  }
}

}  // namespace v1
}  // namespace callsheet
