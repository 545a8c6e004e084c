#pragma once
#include <nlohmann/json_fwd.hpp>

#include "api/json.h"

namespace callsheet {
inline namespace v1 {

/// Under this name each subschema of a rewritten schema has an object: "weight" (how many parts one look at it costs)
/// and those keywords that SchemaChecks checks instead of valijson.
inline constexpr const char* checksKeyword = "callsheet";

/// The schema with nothing in it but what valijson can be trusted with: known keywords, local references to subschemas
/// that exist and come to an end. Throws Error(invalid) for any other.
[[nodiscard]] nlohmann::json rewriteSchema(const Json& schema);

}  // namespace v1
}  // namespace callsheet
