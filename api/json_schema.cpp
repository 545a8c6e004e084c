#include "api/json_schema.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>
#include <vector>

#include "api/body_format.h"
#include "api/schema_checks.h"
#include "api/schema_rewrite.h"
#include "callsheet/errors.h"
#include "core/json_payload.h"

namespace callsheet {
inline namespace v1 {

namespace {

using valijson::adapters::NlohmannJsonAdapter;

constexpr std::size_t shownMax = 200;

std::string shortened(const std::string& text) {
  return text.size() <= shownMax ? text : replaceInvalidUtf8(text.substr(0, shownMax)) + "...";
}

bool isDeeperThan(const Json& value, std::size_t depth) {
  if (!value.is_structured()) return false;
  if (depth == 0) return true;
  for (const Json& item : value)
    if (isDeeperThan(item, depth - 1)) return true;
  return false;
}

/// valijson's path "<root>", "[a]", "[0]" as /a/0.
std::string sentenceOf(const valijson::ValidationResults::Error& violation) {
  std::string path;
  for (std::string_view step : violation.context) {
    if (step == "<root>") continue;
    if (step.starts_with('[') && step.ends_with(']')) step = step.substr(1, step.size() - 2);
    path += "/" + std::string(step);
  }
  std::string reason = violation.description;
  if (reason.ends_with('.')) reason.pop_back();
  return "At " + (path.empty() ? "the top" : shortened(path)) + ": " + shortened(reason) + ".";
}

/// One validation, with the outcome as it is when it ends early.
enum class Outcome { fits, violates, unknown };

Outcome run(const valijson::Schema& schema, const nlohmann::json& value, valijson::ValidationResults* results) {
  const SchemaSteps steps(results);
  try {
    valijson::Validator validator;
    return validator.validate(schema, NlohmannJsonAdapter(value), results) ? Outcome::fits : Outcome::violates;
  } catch (const SchemaSteps::Explained&) {
    return Outcome::violates;
  } catch (const SchemaSteps::Exhausted&) {
    return Outcome::unknown;
  } catch (const std::exception&) {  // valijson's own, of a value that it cannot look at
    return Outcome::unknown;
  }
}

}  // namespace

struct JsonSchema::Compiled {
  valijson::Schema schema;
};

JsonSchema JsonSchema::parse(const std::string& schemaText) {
  Json schema;
  try {
    schema = parseBody(BodyFormat::json, schemaText);
  } catch (const Error& error) {
    throw Error(error.kind(), std::string("The schema is refused: ") + error.what());
  }
  const nlohmann::json rewritten = rewriteSchema(schema);
  const auto compiled = std::make_shared<Compiled>();
  try {
    valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
    parser.addConstraintBuilder(checksKeyword, newChecksBuilder());
    parser.populateSchema(NlohmannJsonAdapter(rewritten), compiled->schema);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw Error(ErrorKind::invalid, "The schema is refused: " + shortened(error.what()) + ".");
  }
  return JsonSchema(compiled);
}

std::optional<std::string> JsonSchema::whyInvalid(const Json& value) const {
  if (isDeeperThan(value, jsonDepthMax))
    return "At the top: the value is nested deeper than " + std::to_string(jsonDepthMax) + ".";
  const nlohmann::json sorted = value;
  // First without reasons, which ends at the first violation; nearly all values fit.
  const Outcome outcome = run(compiled_->schema, sorted, nullptr);
  if (outcome == Outcome::fits) return std::nullopt;
  if (outcome == Outcome::unknown) return "At the top: the value takes too long to check against the schema.";
  valijson::ValidationResults results;
  (void)run(compiled_->schema, sorted, &results);
  if (results.numErrors() == 0) return "The value does not fit the schema.";
  return sentenceOf(*results.begin());
}

}  // namespace v1
}  // namespace callsheet
