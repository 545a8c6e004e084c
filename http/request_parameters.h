#pragma once
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "http/http_request.h"

// What the parameters of a job say of its request: the same words for every job that makes one.
namespace callsheet {
inline namespace v1 {

/// The parameters as an object that has no members but `url`, `method`, `headers`, the time-outs and those others.
/// Throws JobError("payload"), final, as all of these do for what can be no request.
[[nodiscard]] nlohmann::ordered_json requestParameters(const std::string& text,
                                                       std::initializer_list<std::string_view> others);
[[noreturn]] void refuseParameters(const std::string& sentence);
/// A text among them; the other one where it is missing or null.
[[nodiscard]] std::string textAmong(const nlohmann::ordered_json& parameters, const char* name,
                                    const std::string& otherwise);
/// A whole number from 0 on.
[[nodiscard]] std::uint64_t numberAmong(const nlohmann::ordered_json& parameters, const char* name,
                                        std::uint64_t otherwise);

/// The request without a body, its method as it stands there or else this one. ${env:NAME} and ${file:PATH} are looked
/// up here: JobError("http"), final, where one is not there. The far side is told `id` in every attempt, so that it can
/// take them for one.
[[nodiscard]] HttpRequestOut requestOf(const nlohmann::ordered_json& parameters, const std::string& method,
                                       const std::string& id);
[[nodiscard]] bool hasHeader(const HttpRequestOut& request, std::string_view name);
/// All texts in it, but the names of its members, with their secrets.
[[nodiscard]] nlohmann::ordered_json withSecretsIn(nlohmann::ordered_json value);
/// One text with its secrets.
[[nodiscard]] std::string resolved(const std::string& text);

}  // namespace v1
}  // namespace callsheet
