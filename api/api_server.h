#pragma once
#include <memory>
#include <string>

#include "callsheet/log.h"

namespace callsheet {
inline namespace v1 {

class StoreAccess;

struct ApiServerOptions {
  std::string listen;        ///< "127.0.0.1:PORT" besides the store's own socket; empty: only that
  std::string tokenFile;     ///< what TCP clients must know stands there; empty: `api.token` in the store
  bool isOpenToAll = false;  ///< TCP clients need no token
  std::string scripts;       ///< a directory whose files everybody may read below /public/director/; empty: none
  LogSink log;
};

/// The API over a store: `/rpc` for executors, `/v1` for programs and operators. It serves the Unix socket `api.sock`
/// in the store's directory, and loopback TCP where it is told to, on a thread of its own. One a store; the principal's
/// process runs it. Thread-safe.
class ApiServer {
 public:
  /// Serves when it returns. Throws Error.
  ApiServer(std::shared_ptr<StoreAccess> access, const ApiServerOptions& options);
  /// Stops it.
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  /// Answers those who wait, and ends all connections. What was handed out goes on without it.
  void stop();
  /// "HOST:PORT", or empty.
  [[nodiscard]] const std::string& tcpAddress() const { return tcpAddress_; }

  static constexpr const char* socketName = "api.sock";
  static constexpr const char* tokenName = "api.token";

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
  std::string tcpAddress_;
};

}  // namespace v1
}  // namespace callsheet
