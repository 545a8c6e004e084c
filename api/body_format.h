#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "api/json.h"

namespace callsheet {
inline namespace v1 {

enum class BodyFormat { json, yaml };

/// Of a Content-Type header: the JSON types (`application/json`, `text/json`, `application/ANY+json`) and the YAML
/// types
/// (`text/yaml`, `application/yaml` and both with `x-`). JSON for an empty one and for curl's default,
/// `application/x-www-form-urlencoded`. Parameters do not matter, but a charset other than UTF-8 is none (415).
[[nodiscard]] std::optional<BodyFormat> formatOfContentType(std::string_view contentType);

/// What an Accept header likes best, by q and then by order; the fallback when it is empty or a wildcard leaves the
/// choice. Nothing when it takes neither (406).
[[nodiscard]] std::optional<BodyFormat> formatOfAccept(std::string_view accept, BodyFormat fallback);

/// `application/json` or `text/yaml`, for the answer.
[[nodiscard]] std::string_view contentTypeOf(BodyFormat format);

/// Throws Error(invalid) with a sentence and a place for anything but one well-formed value: for invalid UTF-8, more
/// nesting than jsonDepthMax, a repeated key, a number that neither 64 bits nor a double hold, more after the value, no
/// value at all. Of YAML, it also refuses aliases, anchors, merge keys, foreign tags, a second document, and more than
/// yamlNodesMax values; plain scalars have the types of YAML 1.2's core schema, keys are texts. Time and memory grow
/// with the size of the body, which the caller limits.
[[nodiscard]] Json parseBody(BodyFormat format, std::string_view body);

/// What parseBody reads back as the same value. Bytes that are no UTF-8 become U+FFFD; a number that is not finite
/// becomes null. JSON in one line without its end, YAML in blocks.
[[nodiscard]] std::string printBody(BodyFormat format, const Json& value);

}  // namespace v1
}  // namespace callsheet
