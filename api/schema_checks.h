#pragma once
#include <cstddef>

namespace valijson {
class ConstraintBuilder;
class ValidationResults;
}  // namespace valijson

namespace callsheet {
inline namespace v1 {

/// Builds what checks the value of checksKeyword: it counts steps and checks the keywords that valijson checks wrongly
/// or without a limit. The caller, or the SchemaParser that it gives it to, owns it.
[[nodiscard]] const valijson::ConstraintBuilder* newChecksBuilder();

/// While it exists, the checks of its thread count against it, and throw one of these to end a validation.
class SchemaSteps {
 public:
  struct Exhausted {};
  struct Explained {};

  /// Throws Explained once `results`, when there are any, hold a first violation.
  explicit SchemaSteps(const valijson::ValidationResults* results);
  SchemaSteps(const SchemaSteps&) = delete;
  SchemaSteps& operator=(const SchemaSteps&) = delete;
  ~SchemaSteps();

  static void take(std::size_t steps);
  /// Called with the results that the innermost subschema writes to.
  static void look(const valijson::ValidationResults* results);

 private:
  std::size_t left_;
  const valijson::ValidationResults* results_;
};

}  // namespace v1
}  // namespace callsheet
