#include "api/routes.h"

namespace callsheet {
inline namespace v1 {

extern const char* const openApiText;

std::vector<Route> descriptionRoutes() {
  return {{"GET", "/openapi.json",
           [](const std::shared_ptr<RouteCall>& call) { call->answerText("application/json", openApiText); }}};
}

}  // namespace v1
}  // namespace callsheet
