#pragma once
#include <vector>

#include "api/router.h"
#include "api/rpc.h"

namespace callsheet {
inline namespace v1 {

/// `POST /rpc`: the executor API of api/rpc.h.
[[nodiscard]] std::vector<Route> rpcRoutes(const RpcContext& context);
/// `/v1/definitions`: the kinds' settings.
[[nodiscard]] std::vector<Route> definitionRoutes(ApiStore& store);
/// `/v1/jobs`: what operators and programs see of jobs, in the form of the command's `--json`.
[[nodiscard]] std::vector<Route> jobRoutes(ApiStore& store);
/// `/v1/queues`: named queues, their settings and how many jobs stand in them.
[[nodiscard]] std::vector<Route> queueRoutes(ApiStore& store);
/// `/v1/schedules`: schedules and their jobs; `/v1/firings`: what comes next.
[[nodiscard]] std::vector<Route> scheduleRoutes(ApiStore& store);
/// `/openapi.json`.
[[nodiscard]] std::vector<Route> descriptionRoutes();

}  // namespace v1
}  // namespace callsheet
