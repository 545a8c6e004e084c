#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "callsheet/fingerprint.h"
#include "callsheet/limits.h"
#include "core/definition_row.h"
#include "core/names.h"

namespace callsheet {
inline namespace v1 {

namespace {
using Json = nlohmann::json;

constexpr std::uint64_t onlyLane = 1;
constexpr std::string_view pathRoot = "params";

/// The parts of a path between its dots, without the leading `params`.
std::vector<std::string_view> partsOf(std::string_view path) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t dot = std::min(path.find('.', at), path.size());
    parts.push_back(path.substr(at, dot - at));
    at = dot + 1;
  }
  if (parts.size() > 1 && parts.front() == pathRoot) parts.erase(parts.begin());
  return parts;
}

const Json* stepInto(const Json& value, std::string_view part) {
  if (value.is_object()) {
    const auto found = value.find(part);
    return found == value.end() ? nullptr : &*found;
  }
  std::size_t index = 0;
  const char* const end = part.data() + part.size();
  const auto [read, error] = std::from_chars(part.data(), end, index);
  const bool isIndex = value.is_array() && error == std::errc{} && read == end && index < value.size();
  return isIndex ? &value[index] : nullptr;
}

std::uint64_t hashOf(const std::string& text) {
  detail::CanonicalBytes bytes;
  bytes.text(text);
  const Uuid hash = bytes.fingerprint().value;
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) number = number << 8 | hash.bytes[i];
  return number == 0 ? onlyLane : number;
}

std::optional<std::string> whyTimes(const Definition& definition) {
  const std::int64_t longest = limits::delayMax.count();
  const auto isWrong = [&](const std::optional<std::int64_t>& micros) {
    return micros && (*micros < 0 || *micros > longest);
  };
  if (isWrong(definition.requestedToStartTimeoutMicros)) return "requestedToStartTimeout lies within 0 and ten years";
  if (isWrong(definition.inProgressTimeoutMicros)) return "inProgressTimeout lies within 0 and ten years";
  if (isWrong(definition.retryDelayMicros)) return "retryDelay lies within 0 and ten years";
  if (isWrong(definition.retryDelayMaxMicros)) return "retryDelayMax lies within 0 and ten years";
  if (definition.allowedRetryCount == 0u)
    return "allowedRetryCount counts all attempts and is at least 1, which means that nothing is tried again";
  const double backoff = definition.retryBackoff.value_or(1);
  if (!(backoff >= 1 && backoff <= 1000)) return "retryBackoff lies within 1 and 1000";
  return std::nullopt;
}

std::optional<std::string> whyLimits(const Definition& definition) {
  if (!definition.concurrencyPath.empty() && definition.concurrencyLimit == 0)
    return "concurrencyPath needs a concurrencyLimit";
  if (definition.concurrencyPath.size() > limits::textBytesMax)
    return "concurrencyPath has more than " + std::to_string(limits::textBytesMax) + " bytes";
  if (!definition.concurrencyPath.empty())
    for (const auto part : partsOf(definition.concurrencyPath))
      if (part.empty()) return "concurrencyPath has an empty part; it looks like params.input.host";
  const RateLimit& rate = definition.rate;
  if (rate.count == 0) return std::nullopt;
  if (rate.perMicros <= 0 || rate.perMicros > limits::delayMax.count())
    return "a rate's time lies within 1 us and ten years";
  if (rate.burst == 0) return "a rate's burst is at least 1";
  if (rate.burst > limits::delayMax.count() * 1000 / rateStepNanos(rate))
    return "the bucket of a rate may not take longer than ten years to fill";
  return std::nullopt;
}
}  // namespace

bool isOfLane(const ReadyKey& job, const OpenLaneKey& lane) {
  return job.owner == lane.owner && job.kind == lane.kind && job.queue == lane.queue && job.lane == lane.lane;
}

std::uint64_t laneOf(const Definition& definition, std::string_view parameters) {
  if (definition.concurrencyLimit == 0) return 0;
  if (definition.concurrencyPath.empty()) return onlyLane;
  const Json params = Json::parse(parameters, nullptr, false);
  const Json* value = params.is_discarded() ? nullptr : &params;
  for (const auto part : partsOf(definition.concurrencyPath)) {
    if (value == nullptr) break;
    value = stepInto(*value, part);
  }
  // Sorted by name, so that equal values have equal texts.
  return hashOf(value == nullptr ? "null" : value->dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::int64_t rateStepNanos(const RateLimit& rate) {
  // Rounded up: a little slower than asked for, never faster.
  return (rate.perMicros * 1000 + rate.count - 1) / rate.count;
}

Tokens tokensOf(const RateLimit& rate, const LaneRow& row, const Moment& now) {
  const std::int64_t step = rateStepNanos(rate);
  const std::int64_t missing =
      row.bootID == now.bootID ? std::max<std::int64_t>(row.fullAtNanos - now.bootNanos, 0) : 0;
  const std::int64_t gone = (missing + step - 1) / step;
  if (gone < rate.burst) return {rate.burst - static_cast<std::uint32_t>(gone), 0};
  const std::int64_t wait = missing - (rate.burst - 1) * step;
  return {0, now.utcMicros + (wait + 999) / 1000};
}

std::int64_t startLimitMicros(const Definition* definition, bool isRemote) {
  if (definition != nullptr && definition->requestedToStartTimeoutMicros)
    return *definition->requestedToStartTimeoutMicros;
  return isRemote ? remoteDefaults::requestedToStartTimeout.count() : 0;
}

std::int64_t attemptLimitMicros(const Definition* definition, bool isRemote, std::int64_t ofJobMicros) {
  if (ofJobMicros > 0) return ofJobMicros;
  if (definition != nullptr && definition->inProgressTimeoutMicros) return *definition->inProgressTimeoutMicros;
  return isRemote ? remoteDefaults::inProgressTimeout.count() : 0;
}

RetryPolicy retryPolicyOf(const Definition* definition, Runner runner, const RetryPolicy& ofJob) {
  RetryPolicy policy = ofJob;
  if (runner == Runner::remote) {
    policy.maxAttempts = remoteDefaults::allowedRetryCount;
    policy.firstDelay = remoteDefaults::retryDelay;
    policy.factor = remoteDefaults::retryBackoff;
    policy.jitter = 0;
  }
  if (definition == nullptr) return policy;
  if (definition->allowedRetryCount) policy.maxAttempts = *definition->allowedRetryCount;
  if (definition->retryDelayMicros) policy.firstDelay = std::chrono::microseconds(*definition->retryDelayMicros);
  if (definition->retryBackoff) policy.factor = *definition->retryBackoff;
  if (definition->retryDelayMaxMicros) policy.maxDelay = std::chrono::microseconds(*definition->retryDelayMaxMicros);
  policy.maxDelay = std::max(policy.maxDelay, policy.firstDelay);
  return policy;
}

bool retriesFails(const Definition* definition, Runner runner) {
  if (definition != nullptr && definition->retryOnFail) return *definition->retryOnFail;
  return runner != Runner::remote || remoteDefaults::retryOnFail;
}

std::optional<std::string> whyRefused(const Definition& definition) {
  if (!isValidKind(definition.kind))
    return "'" + definition.kind + "' is not a kind: at most 128 of letters, digits, '.', '_', '-' and '/'";
  const bool isOurs = definition.kind.starts_with("callsheet.");
  if (isOurs && definition.runner) return "how a kind of Callsheet's own runs cannot be changed; leave out its runner";
  if (auto why = whyTimes(definition)) return why;
  if (auto why = whyLimits(definition)) return why;
  for (const auto* schema : {&definition.paramsSchema, &definition.resultSchema, &definition.errorSchema})
    if (schema->size() > limits::schemaBytesMax)
      return "a schema has " + std::to_string(schema->size()) + " bytes; the limit is " +
             std::to_string(limits::schemaBytesMax);
  return std::nullopt;
}

}  // namespace v1
}  // namespace callsheet
