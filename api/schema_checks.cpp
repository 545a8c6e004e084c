#include "api/schema_checks.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <valijson/constraint_builder.hpp>
#include <valijson/constraints/concrete_constraints.hpp>
#include <valijson/internal/adapter.hpp>
#include <valijson/validation_results.hpp>
#include <vector>

#include "api/schema_pattern.h"
#include "callsheet/errors.h"
#include "core/duration_text.h"

namespace callsheet {
inline namespace v1 {

namespace {

using valijson::ValidationResults;
using valijson::adapters::Adapter;

constexpr std::size_t stepsMax = 1'000'000;    ///< a second or so
constexpr std::size_t violationsMax = 1'000;   ///< of the alternatives of one anyOf, before nobody looks further
constexpr std::size_t stringBytesAStep = 256;  ///< of a text that is compared or copied
constexpr std::size_t patternStates = 32;      ///< letters times size of a pattern for a step

thread_local SchemaSteps* current = nullptr;

[[noreturn]] void refuse(const std::string& keyword, const std::string& why) {
  throw Error(ErrorKind::invalid, "The schema is refused: its " + keyword + " " + why + ".");
}

/// The same for equal values and for no others, except that numbers compare as they are written.
void appendCanonical(const Adapter& value, std::string& text) {
  const auto append = [&](const std::string& part) { text += std::to_string(part.size()) + ":" + part; };
  if (value.isArray()) {
    text += '[';
    value.applyToArray([&](const Adapter& item) {
      appendCanonical(item, text);
      return true;
    });
    text += ']';
  } else if (value.isObject()) {  // nlohmann::json sorts the names
    text += '{';
    value.applyToObject([&](const std::string& name, const Adapter& member) {
      append(name);
      appendCanonical(member, text);
      return true;
    });
    text += '}';
  } else if (value.isString()) {
    append(value.getString());
  } else if (value.isNumber()) {
    const double number = value.getNumber();
    const bool isInteger = value.isInteger();
    text += isInteger ? "i" + std::to_string(value.getInteger()) : "d" + std::to_string(number);
    if (!isInteger) {
      text.resize(text.size() + sizeof number);
      std::copy_n(reinterpret_cast<const char*>(&number), sizeof number, text.end() - sizeof number);
    }
  } else {
    text += value.isNull() ? 'n' : value.getBool() ? 't' : 'f';
  }
}

std::size_t lettersOf(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char letter) { return (letter & 0xC0) != 0x80; }));
}

class SchemaChecks : public valijson::constraints::PolyConstraint {
 public:
  explicit SchemaChecks(const Adapter& checks) {
    checks.applyToObject([this](const std::string& keyword, const Adapter& value) {
      if (keyword == "weight") {
        weight_ = static_cast<std::size_t>(value.getInteger());
      } else if (keyword == "minLength" || keyword == "maxLength") {
        if (!value.isInteger() || value.getInteger() < 0) refuse(keyword, "is no length");
        (keyword == "minLength" ? minLength_ : maxLength_) = static_cast<std::size_t>(value.getInteger());
      } else if (keyword == "multipleOf") {
        if (!value.isNumber() || !(value.getNumber() > 0)) refuse(keyword, "is no positive number");
        divisor_ = value.getNumber();
        if (value.isInteger()) wholeDivisor_ = value.getInteger();
      } else if (keyword == "uniqueItems") {
        if (!value.isBool()) refuse(keyword, "is no boolean");
        isUnique_ = value.getBool();
      } else if (keyword == "format") {
        if (!value.isString()) refuse(keyword, "is no text");
        format_ = value.getString();
      } else if (keyword == "pattern") {
        if (!value.isString()) refuse(keyword, "is no text");
        pattern_.emplace(value.getString());
      }
      return true;
    });
  }

  bool validate(const Adapter& target, const std::vector<std::string>& context,
                ValidationResults* results) const override {
    std::size_t size = 0;
    if (target.isArray())
      size = target.getArraySize();
    else if (target.isObject())
      size = target.getObjectSize();
    const std::string text = target.isString() ? target.getString() : "";
    SchemaSteps::take(weight_ * (1 + text.size() / stringBytesAStep) + size);
    const std::string complaint = target.isString()   ? aboutText(text)
                                  : target.isNumber() ? aboutNumber(target)
                                  : target.isArray()  ? aboutArray(target)
                                                      : "";
    if (!complaint.empty() && results != nullptr) results->pushError(context, complaint);
    SchemaSteps::look(results);
    return complaint.empty();
  }

 private:
  [[nodiscard]] std::string aboutText(const std::string& text) const {
    if (minLength_ && lettersOf(text) < *minLength_) return "The text is shorter than " + std::to_string(*minLength_);
    if (maxLength_ && lettersOf(text) > *maxLength_) return "The text is longer than " + std::to_string(*maxLength_);
    if (format_ == "date-time" && !isTime(text)) return "The text is no date-time";
    if (format_ == "date" && (text.size() != 10 || !isTime(text + "T00:00:00Z"))) return "The text is no date";
    if (!pattern_) return {};
    if (text.size() > patternTextBytesMax)
      return "The text is too long for a pattern: it has more than " + std::to_string(patternTextBytesMax) + " bytes";
    SchemaSteps::take(text.size() * pattern_->size() / patternStates);
    return pattern_->matches(text) ? "" : "The text does not match the pattern";
  }

  static bool isTime(const std::string& text) {
    constexpr std::size_t longest = 64;
    if (text.size() > longest) return false;
    try {
      (void)parseUtc(text);
      return true;
    } catch (const Error&) {
      return false;
    }
  }

  [[nodiscard]] std::string aboutNumber(const Adapter& target) const {
    if (!divisor_) return {};
    bool fits = false;
    if (wholeDivisor_ && target.isInteger()) {
      fits = target.getInteger() % *wholeDivisor_ == 0;
    } else {
      // Of 0.3 and 0.1 neither is what it is written as, so that the quotient need only be whole within the last bits.
      const double quotient = target.getNumber() / *divisor_;
      const double off = std::abs(quotient - std::round(quotient));
      fits = std::isfinite(quotient) && off <= std::abs(quotient) * 4 * std::numeric_limits<double>::epsilon();
    }
    return fits ? "" : "The number is not a multiple of the schema's multipleOf";
  }

  [[nodiscard]] std::string aboutArray(const Adapter& target) const {
    if (!isUnique_) return {};
    std::unordered_set<std::string> seen;
    bool isTwice = false;
    target.applyToArray([&](const Adapter& item) {
      std::string canonical;
      appendCanonical(item, canonical);
      SchemaSteps::take(1 + canonical.size() / stringBytesAStep);
      isTwice = !seen.insert(std::move(canonical)).second;
      return !isTwice;
    });
    return isTwice ? "The list has the same value twice" : "";
  }

  Constraint* cloneInto(void* place) const override { return new (place) SchemaChecks(*this); }
  size_t sizeOf() const override { return sizeof(SchemaChecks); }

  std::size_t weight_ = 1;
  std::optional<std::size_t> minLength_;
  std::optional<std::size_t> maxLength_;
  std::optional<double> divisor_;
  std::optional<std::int64_t> wholeDivisor_;
  bool isUnique_ = false;
  std::string format_;
  std::optional<SchemaPattern> pattern_;
};

class ChecksBuilder : public valijson::ConstraintBuilder {
 public:
  valijson::constraints::Constraint* make(const Adapter& checks) const override { return new SchemaChecks(checks); }
};

}  // namespace

const valijson::ConstraintBuilder* newChecksBuilder() {
  return new ChecksBuilder;
}

SchemaSteps::SchemaSteps(const ValidationResults* results) : left_(stepsMax), results_(results) {
  current = this;
}

SchemaSteps::~SchemaSteps() {
  current = nullptr;
}

void SchemaSteps::take(std::size_t steps) {
  if (current == nullptr) return;
  if (steps > current->left_) throw Exhausted{};
  current->left_ -= steps;
}

void SchemaSteps::look(const ValidationResults* results) {
  if (current == nullptr || results == nullptr) return;
  if (results == current->results_ && results->numErrors() > 0) throw Explained{};
  if (results->numErrors() > violationsMax) throw Exhausted{};
}

}  // namespace v1
}  // namespace callsheet
