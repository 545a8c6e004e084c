#include "api/schema_rewrite.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

namespace {

// valijson goes as deep as these multiply with the depth of a value, or add up while it reads the schema.
constexpr std::size_t chainMax = 16;    ///< subschemas that look at the same value, one inside the other
constexpr std::size_t heightMax = 400;  ///< levels of subschemas, those behind each reference added

using Names = std::set<std::string, std::less<>>;

const Names inPlaceSchema{"not", "if", "then", "else"};
const Names innerSchema{"additionalItems", "additionalProperties", "contains", "propertyNames"};
const Names inPlaceLists{"allOf", "anyOf", "oneOf"};
const Names data{
    "type",     "enum",     "const",         "maximum",       "minimum", "exclusiveMaximum", "exclusiveMinimum",
    "maxItems", "minItems", "maxProperties", "minProperties", "required"};
const Names ownChecks{"format", "maxLength", "minLength", "multipleOf", "pattern", "uniqueItems"};
// Ignoring one of these would accept what its author wants refused.
const Names notTaken{"$dynamicRef", "$recursiveRef",    "dependentRequired",    "dependentSchemas", "disallow",
                     "divisibleBy", "extends",          "maxContains",          "minContains",      "patternProperties",
                     "prefixItems", "unevaluatedItems", "unevaluatedProperties"};

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorKind::invalid, "The schema is refused: " + why + ".");
}

std::string shortened(const std::string& text) {
  return text.size() <= 100 ? text : text.substr(0, 100) + "...";
}

std::string below(const std::string& path, const std::string& name) {
  std::string inner = path;
  inner += '/';
  return inner += name;
}

std::size_t partsOf(const Json& value) {
  std::size_t parts = 1;
  if (value.is_structured())
    for (const Json& item : value) parts += partsOf(item);
  return parts;
}

class Rewriter {
 public:
  nlohmann::json rewrite(const Json& schema) {
    std::size_t height = 0;
    nlohmann::json rewritten = walk(schema, "", true, height);
    std::size_t levels = height;
    std::set<std::string> targets;
    for (const auto& [path, place] : places_) {
      if (!place.target) continue;
      const auto found = places_.find(*place.target);
      if (found == places_.end() || !found->second.isTarget)
        refuse("its $ref '#" + shortened(*place.target) +
               "' names no subschema; references must be local, such as "
               "#/definitions/NAME");
      if (targets.insert(*place.target).second) levels += found->second.height;
    }
    if (levels > heightMax) refuse("its references are nested too deeply");
    for (auto& [path, place] : places_)
      if (chainOf(path, place) > chainMax)
        refuse("more than " + std::to_string(chainMax) + " subschemas look at the same value, one inside the other");
    return rewritten;
  }

 private:
  struct Place {
    std::vector<std::string> inPlace;  // the paths of subschemas for the same value
    std::optional<std::string> target;
    std::size_t height = 1;
    std::size_t chain = 0;  // 0: unknown
    bool isOpen = false;
    bool isTarget = false;  // its path is the same for everybody
  };

  std::size_t chainOf(const std::string& path, Place& place) {
    if (place.chain != 0) return place.chain;
    if (place.isOpen)
      refuse("its $ref at '" + shortened(path) + "' leads to itself without taking anything of the value");
    place.isOpen = true;
    std::size_t longest = 0;
    if (place.target) place.inPlace.push_back(*place.target);
    for (const std::string& next : place.inPlace) longest = std::max(longest, chainOf(next, places_.at(next)));
    place.isOpen = false;
    return place.chain = place.target ? longest : longest + 1;
  }

  nlohmann::json walk(const Json& schema, const std::string& path, bool isTarget, std::size_t& heightAbove) {
    if (!schema.is_object() && !schema.is_boolean())
      refuse("at '" + shortened(path) + "' there is no subschema, which is an object or a boolean");
    const auto [entry, isNew] = places_.try_emplace(path);
    // valijson does not escape the slashes in names, and would take one for the other.
    if (!isNew) refuse("there are two subschemas with the path '" + shortened(path) + "'");
    Place place;
    place.isTarget = isTarget;
    std::size_t innerHeight = 0;
    nlohmann::json rewritten;
    if (schema.is_boolean()) {
      rewritten = schema.get<bool>();
    } else if (schema.contains("$ref")) {
      rewritten = reference(schema["$ref"], path, place);
      for (const char* definitions : {"definitions", "$defs"})
        if (schema.contains(definitions)) define(schema[definitions], path, definitions, isTarget, rewritten);
    } else {
      rewritten = members(schema, path, isTarget, place, innerHeight);
    }
    place.height = innerHeight + 1;
    heightAbove = std::max(heightAbove, place.height);
    places_[path] = std::move(place);
    return rewritten;
  }

  static nlohmann::json reference(const Json& target, const std::string& path, Place& place) {
    if (!target.is_string()) refuse("its $ref at '" + shortened(path) + "' is no text");
    const auto& text = target.get_ref<const std::string&>();
    const bool isLocal = text == "#" || text.starts_with("#/");
    if (!isLocal || text.ends_with('/') || text.find_first_of("~%") != text.npos)
      refuse("its $ref '" + shortened(text) + "' is not taken; references must be local, such as #/definitions/NAME");
    place.target = text.substr(1);
    return {{"$ref", text}};
  }

  void define(const Json& definitions, const std::string& path, const std::string& keyword, bool isTarget,
              nlohmann::json& rewritten) {
    std::size_t ignored = 0;
    rewritten[keyword] = map(definitions, below(path, keyword), isTarget, nullptr, ignored);
  }

  nlohmann::json map(const Json& members, const std::string& path, bool isTarget, Place* inPlaceOf,
                     std::size_t& height) {
    if (!members.is_object()) refuse("'" + shortened(path) + "' is no object");
    nlohmann::json rewritten = nlohmann::json::object();
    for (const auto& [name, member] : members.items()) {
      if (inPlaceOf != nullptr && member.is_array()) {  // of dependencies
        for (const Json& needed : member)
          if (!needed.is_string()) refuse("'" + shortened(path) + "' lists something that is no text");
        rewritten[name] = member;
        continue;
      }
      const std::string inner = below(path, name);
      const bool isPlain = !name.empty() && name.find_first_of("/~%") == name.npos;
      rewritten[name] = walk(member, inner, isTarget && isPlain, height);
      if (inPlaceOf != nullptr) inPlaceOf->inPlace.push_back(inner);
    }
    return rewritten;
  }

  nlohmann::json list(const Json& items, const std::string& path, bool isTarget, Place* inPlaceOf,
                      std::size_t& height) {
    if (!items.is_array() || items.empty()) refuse("'" + shortened(path) + "' is no list of subschemas");
    nlohmann::json rewritten = nlohmann::json::array();
    for (const Json& item : items) {
      const std::string inner = below(path, std::to_string(rewritten.size()));
      rewritten.push_back(walk(item, inner, isTarget, height));
      if (inPlaceOf != nullptr) inPlaceOf->inPlace.push_back(inner);
    }
    return rewritten;
  }

  nlohmann::json members(const Json& schema, const std::string& path, bool isTarget, Place& place,
                         std::size_t& height) {
    nlohmann::json rewritten = nlohmann::json::object();
    nlohmann::json checks = nlohmann::json::object();
    std::size_t weight = 1;
    for (const auto& [keyword, value] : schema.items()) {
      const std::string inner = below(path, keyword);
      if (notTaken.contains(keyword)) refuse("`" + keyword + "` is not supported");
      if (data.contains(keyword)) {
        if (keyword == "type") checkType(value);
        weight += partsOf(value);
        rewritten[keyword] = value;
      } else if (ownChecks.contains(keyword)) {
        checks[keyword] = value;
      } else if (inPlaceSchema.contains(keyword)) {
        rewritten[keyword] = walk(value, inner, isTarget, height);
        place.inPlace.push_back(inner);
      } else if (innerSchema.contains(keyword)) {
        rewritten[keyword] = walk(value, inner, isTarget, height);
      } else if (inPlaceLists.contains(keyword)) {
        rewritten[keyword] = list(value, inner, isTarget, &place, height);
      } else if (keyword == "items") {
        rewritten[keyword] =
            value.is_array() ? list(value, inner, isTarget, nullptr, height) : walk(value, inner, isTarget, height);
      } else if (keyword == "properties" || keyword == "dependencies") {
        weight += partsOf(value) / 4;
        rewritten[keyword] = map(value, inner, isTarget, keyword == "dependencies" ? &place : nullptr, height);
      } else if (keyword == "definitions" || keyword == "$defs") {
        define(value, path, keyword, isTarget, rewritten);
      }
    }
    checks["weight"] = weight;
    rewritten[checksKeyword] = std::move(checks);
    return rewritten;
  }

  static void checkType(const Json& type) {
    static const Names types{"array", "boolean", "integer", "null", "number", "object", "string"};
    const auto isType = [](const Json& name) {
      return name.is_string() && types.contains(name.get_ref<const std::string&>());
    };
    const bool isFine = type.is_array() ? std::all_of(type.begin(), type.end(), isType) : isType(type);
    if (!isFine) refuse("its type " + shortened(type.dump()) + " is none that JSON Schema has");
  }

  std::map<std::string, Place> places_;
};

}  // namespace

nlohmann::json rewriteSchema(const Json& schema) {
  return Rewriter().rewrite(schema);
}

}  // namespace v1
}  // namespace callsheet
