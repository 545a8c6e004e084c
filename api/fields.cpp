#include "api/fields.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "api/iso_time.h"
#include "callsheet/errors.h"
#include "callsheet/limits.h"

namespace callsheet {
inline namespace v1 {

Fields::Fields(const Json& object, std::string what, const char* errorType)
    : object_(object), what_(std::move(what)), errorType_(errorType) {
  if (!object.is_object()) throw ApiError(422, errorType_, what_ + " must be an object");
}

void Fields::refuse(const char* name, const std::string& why) const {
  throw ApiError(422, errorType_, what_ + "." + name + " " + why);
}

const Json* Fields::find(const char* name) const {
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

std::optional<std::string> Fields::text(const char* name) const {
  const Json* const value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) refuse(name, "must be a string");
  return value->get<std::string>();
}

std::string Fields::requiredText(const char* name) const {
  auto value = text(name);
  if (!value) refuse(name, "is required");
  return std::move(*value);
}

std::optional<std::int64_t> Fields::integer(const char* name, std::int64_t least, std::int64_t most) const {
  const Json* const value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto range = [&] {
    refuse(name, "must be an integer from " + std::to_string(least) + " to " + std::to_string(most));
  };
  if (!value->is_number_integer()) range();
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(most)) range();
  const auto number = value->get<std::int64_t>();
  if (number < least || number > most) range();
  return number;
}

std::optional<double> Fields::number(const char* name, double least, double most) const {
  const Json* const value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) refuse(name, "must be a number");
  const auto number = value->get<double>();
  if (!(number >= least && number <= most))
    refuse(name,
           "must lie within " + std::to_string(std::llround(least)) + " and " + std::to_string(std::llround(most)));
  return number;
}

std::optional<std::int64_t> Fields::millis(const char* name) const {
  constexpr double most = std::chrono::duration<double, std::milli>(limits::delayMax).count();
  const auto millis = number(name, 0, most);
  if (!millis) return std::nullopt;
  return std::llround(*millis * 1000);
}

std::optional<bool> Fields::boolean(const char* name) const {
  const Json* const value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) refuse(name, "must be true or false");
  return value->get<bool>();
}

std::optional<std::vector<std::string>> Fields::texts(const char* name) const {
  const Json* const value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_array()) refuse(name, "must be an array of strings");
  std::vector<std::string> all;
  for (const Json& one : *value) {
    if (!one.is_string()) refuse(name, "must be an array of strings");
    all.push_back(one.get<std::string>());
  }
  return all;
}

std::optional<Uuid> Fields::uuid(const char* name) const {
  const auto value = text(name);
  if (!value) return std::nullopt;
  auto parsed = Uuid::parse(*value);
  if (!parsed || parsed->isNil()) refuse(name, "must be a UUID");
  return parsed;
}

Uuid Fields::requiredUuid(const char* name) const {
  const auto value = uuid(name);
  if (!value) refuse(name, "is required");
  return *value;
}

std::optional<std::int64_t> Fields::time(const char* name) const {
  const auto value = text(name);
  if (!value) return std::nullopt;
  try {
    return parseTime(*value);
  } catch (const Error& error) {
    refuse(name, std::string("is not a time: ") + error.what());
  }
}

void Fields::allowOnly(std::initializer_list<const char*> names) const {
  for (const auto& [name, value] : object_.items())
    if (std::none_of(names.begin(), names.end(), [&name = name](const char* one) { return name == one; }))
      throw ApiError(422, errorType_, what_ + " has no field '" + name.substr(0, 64) + "'");
}

}  // namespace v1
}  // namespace callsheet
