#pragma once
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

#include "api/http_message.h"

namespace callsheet {
inline namespace v1 {

/// What stands behind the `?` of a request, each asked for by name and type. What is not as asked throws ApiError 422
/// that names it.
class Query {
 public:
  explicit Query(const HttpRequest& request) : request_(request) {}

  [[nodiscard]] std::optional<std::string> text(const char* name) const;
  [[nodiscard]] std::optional<std::int64_t> integer(const char* name, std::int64_t least, std::int64_t most) const;
  /// Set, unless its value is `false` or `0`.
  [[nodiscard]] bool flag(const char* name) const;
  /// Refuses every name that is not among these.
  void allowOnly(std::initializer_list<const char*> names) const;

 private:
  const HttpRequest& request_;
};

}  // namespace v1
}  // namespace callsheet
