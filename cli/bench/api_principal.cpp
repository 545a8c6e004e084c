#include "cli/bench/api_principal.h"

#include <algorithm>

#include <fmt/format.h>

#include <csignal>
#include <filesystem>
#include <optional>

#include "api/api_server.h"
#include "callsheet/errors.h"
#include "cli/bench/store_loop.h"
#include "director/store_access.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::chrono::seconds patience{30};

std::string socketPathIn(const std::string& directory) {
  return StoreAccess::open(directory, benchStoreID, {})->directory().path(ApiServer::socketName);
}

BenchChild startPrincipal(const std::string& directory) {
  return BenchChild::start(
      {"--location", directory, "--id", benchStoreID, "principal", "--keep-count", "0", "--log-level", "warning"}, -1);
}

bool isServing(const std::string& socketPath) {
  try {
    const StreamConnection connection(socketPath);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

ApiPrincipal::ApiPrincipal(std::string directory)
    : directory_(std::move(directory)), socketPath_(socketPathIn(directory_)), child_(startPrincipal(directory_)) {
  std::vector<BenchChild> none;
  awaitCondition("the API", patience, none, [&] {
    child_.requireAlive();
    return isServing(socketPath_);
  });
  StreamConnection connection(socketPath_);
  (void)ask(connection, "/v1/definitions", fmt::format(R"({{"kind":"{}","runner":"remote"}})", rpcKind));
}

std::uint64_t ApiPrincipal::commits() const {
  return StoreAccess::open(directory_, benchStoreID, {})->store().sequence();
}

void ApiPrincipal::stop(std::uint64_t jobs) {
  ::kill(child_.pid(), SIGTERM);
  child_.requireSuccess(patience);
  requireAllSucceeded(directory_, jobs);
}

std::string ask(StreamConnection& connection, std::string_view path, std::string_view body) {
  connection.send(httpPost(path, body));
  for (;;) {
    if (const auto answer = firstHttpAnswer(connection.received())) {
      requireAccepted({answer->status == 201 ? 200 : answer->status, answer->body, answer->size}, path);
      std::string text(answer->body);
      connection.take(answer->size);
      return text;
    }
    connection.awaitMore();
  }
}

void finishTasks(StreamConnection& connection, const std::vector<RpcTask>& tasks) {
  constexpr std::size_t callsARequest = 100;  // as many as a batch may have
  for (std::size_t from = 0; from < tasks.size(); from += callsARequest) {
    const auto begin = tasks.begin() + static_cast<std::ptrdiff_t>(from);
    const std::vector<RpcTask> some(begin,
                                    begin + static_cast<std::ptrdiff_t>(std::min(callsARequest, tasks.size() - from)));
    (void)ask(connection, "/rpc", startCalls(some));
    (void)ask(connection, "/rpc", successCalls(some));
  }
}

}  // namespace v1
}  // namespace callsheet
