#pragma once
#include <memory>
#include <optional>
#include <string>

#include "api/json.h"

namespace callsheet {
inline namespace v1 {

/// A JSON Schema of Draft 7 without `patternProperties`. Its `$ref`s must be local (`#/definitions/NAME`), with names
/// free of `~`, `%` and `/`. What it cannot check it refuses rather than ignores. Bounded for schemas and values from
/// anywhere: references that never end are refused, a check takes a limited number of steps.
///
/// `pattern` is ECMAScript without look-ahead and back-references, at most 256 bytes, matched byte by byte in time
/// proportional to the text; texts of more than 1 KiB are too long for it. `format` knows `date` and `date-time` and
/// takes every other one. An `integer` is written without a point; numbers compare as doubles.
class JsonSchema {
 public:
  /// Throws Error(invalid) with the reason. The caller limits the size.
  [[nodiscard]] static JsonSchema parse(const std::string& schemaText);

  /// One sentence with the path and the reason of the first violation; nothing for a value that fits. Any thread.
  [[nodiscard]] std::optional<std::string> whyInvalid(const Json& value) const;

 private:
  struct Compiled;
  explicit JsonSchema(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}

  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace v1
}  // namespace callsheet
