#pragma once
#include "api/json.h"
#include "core/definition_row.h"

namespace callsheet {
inline namespace v1 {

/// `{"kind":"resize","runner":"remote","inProgressTimeout":60000,…}`, times in milliseconds; docs/api.md lists the
/// fields. Throws ApiError 422 that names what is wrong, unknown fields too.
[[nodiscard]] Definition definitionFrom(const Json& json);
/// The same with `version` and `updatedAt`; fields that are not set are left out.
[[nodiscard]] Json definitionJson(const DefinitionRow& row);

}  // namespace v1
}  // namespace callsheet
