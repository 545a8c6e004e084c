#pragma once
#include <nlohmann/json_fwd.hpp>

namespace callsheet {
inline namespace v1 {

/// What requests and answers are made of; its objects keep their order.
using Json = nlohmann::ordered_json;

}  // namespace v1
}  // namespace callsheet
