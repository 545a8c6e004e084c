#include "api/schema_cache.h"

#include <nlohmann/json.hpp>

#include "api/api_error.h"

namespace callsheet {
inline namespace v1 {

namespace {
// Whoever has more kinds with schemas than that pays for compiling some of them anew.
constexpr std::size_t compiledMax = 128;
}  // namespace

void SchemaCache::require(const std::string& schemaText, const Json& value, const std::string& what) {
  if (schemaText.empty()) return;
  auto found = compiled_.find(schemaText);
  if (found == compiled_.end()) {
    JsonSchema schema = JsonSchema::parse(schemaText);
    if (compiled_.size() >= compiledMax) compiled_.clear();
    found = compiled_.emplace(schemaText, std::move(schema)).first;
  }
  if (const auto why = found->second.whyInvalid(value))
    throw ApiError(422, errorTypes::schemaMismatch, what + " does not fit the definition's schema: " + *why);
}

}  // namespace v1
}  // namespace callsheet
