#include "api/queue_json.h"

#include <nlohmann/json.hpp>

namespace callsheet {
inline namespace v1 {

Json queueJson(const QueueState& state) {
  Json json;
  json["queue"] = state.row.name;
  json["parallel"] = state.row.parallel == 0 ? Json(nullptr) : Json(state.row.parallel);
  json["paused"] = state.row.isPaused;
  json["set"] = state.isSet;
  json["running"] = state.counts.running;
  json["ready"] = state.counts.ready;
  json["waiting"] = state.counts.waiting;
  return json;
}

}  // namespace v1
}  // namespace callsheet
