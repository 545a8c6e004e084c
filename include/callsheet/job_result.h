#pragma once
#include <cereal/cereal.hpp>
#include <optional>
#include <type_traits>
#include <utility>

#include "callsheet/job_context.h"
#include "callsheet/job_failure.h"

namespace callsheet {
inline namespace v1 {

/// What a job came to, as a value: what it gave or why it failed. As JSON {"value":..} or {"failure":{..}}.
template <class T>
class JobResult {
 public:
  using Held = std::conditional_t<std::is_void_v<T>, bool, T>;

  JobResult() = default;
  JobResult(Held value) : value_(std::move(value)) {}
  JobResult(JobFailure failure) : failure_(std::move(failure)) {}

  [[nodiscard]] bool isSuccess() const { return value_.has_value(); }
  [[nodiscard]] explicit operator bool() const { return isSuccess(); }
  /// Throws the JobError that the failure is.
  [[nodiscard]] const Held& value() const {
    if (!value_) throw JobError(failure_.value_or(JobFailure{"error", "there is no result", {}, {}}));
    return *value_;
  }
  /// Empty for a success.
  [[nodiscard]] JobFailure failure() const { return failure_.value_or(JobFailure{}); }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::make_nvp("value", value_), cereal::make_nvp("failure", failure_));
  }

 private:
  std::optional<Held> value_;
  std::optional<JobFailure> failure_;
};

}  // namespace v1
}  // namespace callsheet
