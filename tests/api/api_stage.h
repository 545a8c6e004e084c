#pragma once
#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>

#include "api/api_server.h"
#include "api/define.h"
#include "director/store_access.h"
#include "tests/api/http_client.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/verbs.h"

namespace callsheet::tests {

/// A store with its API and the kind `k`, which executors take.
class ApiStage {
 public:
  explicit ApiStage(Definition definition = {}) : access_(StoreAccess::open(directory_.path(), "main", {})) {
    definition.kind = "k";
    definition.runner = Runner::remote;
    define(access_->store(), {std::move(definition)});
    api_.emplace(access_, ApiServerOptions{});
  }
  [[nodiscard]] JobStore& store() { return access_->store(); }
  [[nodiscard]] LmdbJobStore& lmdb() { return access_->store(); }
  [[nodiscard]] const StoreDirectory& directory() { return access_->directory(); }
  [[nodiscard]] const std::string& location() const { return directory_.path(); }
  void stop() { api_.reset(); }

  [[nodiscard]] HttpClient connect() { return HttpClient::toUnix(directory(), ApiServer::socketName); }
  JobID add(NewJob job = newJob()) {
    const JobID id = job.id;
    REQUIRE(store().apply(submitOf({std::move(job)})).verdict == Verdict::ok);
    return id;
  }
  [[nodiscard]] JobRow row(JobID id) { return *store().peek(id); }

 private:
  TemporaryDirectory directory_{TemporaryDirectory::Place::memory};
  std::shared_ptr<StoreAccess> access_;
  std::optional<ApiServer> api_;
};

/// The request of a call.
[[nodiscard]] inline std::string requestOf(const std::string& body) {
  return requestText("POST", "/rpc", body, "Content-Type: application/json\r\n");
}

}  // namespace callsheet::tests
