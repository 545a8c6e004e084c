#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/api_error.h"
#include "callsheet/uuid.h"

namespace callsheet {
inline namespace v1 {

/// The fields of an object that came from outside, each asked for by name and type. What is not as asked throws
/// ApiError 422 that names it. Null is as good as missing.
class Fields {
 public:
  /// `what` is what the object is called in errors, as "params".
  Fields(const Json& object, std::string what, const char* errorType = errorTypes::invalidParams);

  /// Null when it is missing.
  [[nodiscard]] const Json* find(const char* name) const;
  [[nodiscard]] std::optional<std::string> text(const char* name) const;
  [[nodiscard]] std::string requiredText(const char* name) const;
  [[nodiscard]] std::optional<std::int64_t> integer(const char* name, std::int64_t least, std::int64_t most) const;
  [[nodiscard]] std::optional<double> number(const char* name, double least, double most) const;
  /// A time in ms from 0 to ten years, as us.
  [[nodiscard]] std::optional<std::int64_t> millis(const char* name) const;
  [[nodiscard]] std::optional<bool> boolean(const char* name) const;
  [[nodiscard]] std::optional<std::vector<std::string>> texts(const char* name) const;
  [[nodiscard]] std::optional<Uuid> uuid(const char* name) const;
  [[nodiscard]] Uuid requiredUuid(const char* name) const;
  /// UTC us.
  [[nodiscard]] std::optional<std::int64_t> time(const char* name) const;
  /// Refuses every field that is not among the names.
  void allowOnly(std::initializer_list<const char*> names) const;
  [[noreturn]] void refuse(const char* name, const std::string& why) const;

 private:
  const Json& object_;
  std::string what_;
  const char* errorType_;
};

}  // namespace v1
}  // namespace callsheet
