#pragma once
#include <map>
#include <string>

#include "api/json_schema.h"

namespace callsheet {
inline namespace v1 {

/// Checks values against the definitions' schemas. Keeps the schemas that it has compiled, so that a task costs no
/// compilation. One thread.
class SchemaCache {
 public:
  /// Throws ApiError 422 that says where `value`, which is called `what`, does not fit. An empty schema takes
  /// everything.
  void require(const std::string& schemaText, const Json& value, const std::string& what);

 private:
  std::map<std::string, JsonSchema> compiled_;
};

}  // namespace v1
}  // namespace callsheet
