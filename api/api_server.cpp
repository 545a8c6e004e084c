#include "api/api_server.h"

#include <optional>
#include <utility>

#include "api/http_server.h"
#include "api/periodic_task_routes.h"
#include "api/routes.h"
#include "api/task_routes.h"
#include "api/token_file.h"
#include "director/store_access.h"

namespace callsheet {
inline namespace v1 {

namespace {
// How long a stop waits for what was posted before.
constexpr std::chrono::seconds drainPatience{10};

std::vector<Route> allRoutes(const RpcContext& context, TaskRoutes& tasks, PeriodicTaskRoutes& periodicTasks) {
  std::vector<Route> all;
  for (auto& some :
       {rpcRoutes(context), definitionRoutes(context.store), jobRoutes(context.store), queueRoutes(context.store),
        scheduleRoutes(context.store), tasks.routes(), periodicTasks.routes(), descriptionRoutes()})
    all.insert(all.end(), some.begin(), some.end());
  return all;
}

std::string tokenFor(const StoreAccess& access, const ApiServerOptions& options) {
  if (options.listen.empty() || options.isOpenToAll) return {};
  return readOrMakeToken(options.tokenFile.empty() ? access.directory().path(ApiServer::tokenName) : options.tokenFile);
}
}  // namespace

/// The parts, in the order in which they need each other.
class ApiServer::Implementation {
 public:
  Implementation(std::shared_ptr<StoreAccess> access, const ApiServerOptions& options)
      : access_(std::move(access)),
        store_(access_->store(), loop_),
        claims_(*access_, loop_, store_, options.log, [this] { polls_->look(); }),
        expiry_(store_, loop_, clock_, options.log),
        tasks_(access_->directory(), loop_, store_),
        periodicTasks_(access_->directory(), loop_, store_, options.scripts),
        router_(allRoutes({store_, claims_, polls_.emplace(store_, claims_, loop_, clock_, options.log), expiry_},
                          tasks_, periodicTasks_)),
        server_(loop_, serverOptions(*access_, options),
                [this](std::shared_ptr<HttpExchange> exchange) { router_(std::move(exchange)); }) {
    // What can fail first: until the loop runs nobody calls back.
    server_.listenUnix(access_->directory(), socketName);
    if (!options.listen.empty()) tcpAddress_ = server_.listenTcp(options.listen);
    store_.onPrincipalQueue([this] { polls_->look(); });
    loop_.start();
    loop_.post([this] { expiry_.look(); });
  }
  ~Implementation() {
    loop_.run([this] {
      polls_->stop();
      tasks_.stop();
      periodicTasks_.stop();
    });
    server_.stop();
    // What a claim under way still brings is given back first.
    store_.drain(drainPatience);
    claims_.close();
    loop_.stop();
  }

  [[nodiscard]] const std::string& tcpAddress() const { return tcpAddress_; }

 private:
  static HttpServerOptions serverOptions(const StoreAccess& access, const ApiServerOptions& options) {
    HttpServerOptions http;
    http.log = options.log;
    http.token = tokenFor(access, options);
    if (!options.scripts.empty()) http.publicPrefix = "/public/director/";
    return http;
  }

  const std::shared_ptr<StoreAccess> access_;
  const SystemClock clock_;
  EventLoop loop_;
  ApiStore store_;
  RemoteClaims claims_;
  std::optional<LongPolls> polls_;
  Expiry expiry_;
  TaskRoutes tasks_;
  PeriodicTaskRoutes periodicTasks_;
  const Router router_;
  HttpServer server_;
  std::string tcpAddress_;
};

ApiServer::ApiServer(std::shared_ptr<StoreAccess> access, const ApiServerOptions& options)
    : implementation_(std::make_unique<Implementation>(std::move(access), options)),
      tcpAddress_(implementation_->tcpAddress()) {}

ApiServer::~ApiServer() = default;

void ApiServer::stop() {
  implementation_.reset();
}

}  // namespace v1
}  // namespace callsheet
