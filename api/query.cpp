#include "api/query.h"

#include <algorithm>
#include <charconv>

#include "api/api_error.h"

namespace callsheet {
inline namespace v1 {

std::optional<std::string> Query::text(const char* name) const {
  const std::string* const value = request_.queryValue(name);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

std::optional<std::int64_t> Query::integer(const char* name, std::int64_t least, std::int64_t most) const {
  const std::string* const text = request_.queryValue(name);
  if (text == nullptr) return std::nullopt;
  std::int64_t number = 0;
  const char* const end = text->data() + text->size();
  const auto [read, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc{} || read != end || number < least || number > most)
    throw ApiError(
        422, errorTypes::invalidParams,
        std::string(name) + " must be an integer from " + std::to_string(least) + " to " + std::to_string(most));
  return number;
}

bool Query::flag(const char* name) const {
  const std::string* const value = request_.queryValue(name);
  return value != nullptr && *value != "false" && *value != "0";
}

void Query::allowOnly(std::initializer_list<const char*> names) const {
  for (const auto& [name, value] : request_.query)
    if (std::find(names.begin(), names.end(), name) == names.end())
      throw ApiError(422, errorTypes::invalidParams, "there is no parameter '" + name.substr(0, 64) + "'");
}

}  // namespace v1
}  // namespace callsheet
