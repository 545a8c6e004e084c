#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "callsheet/any_job.h"
#include "callsheet/errors.h"
#include "callsheet/json_archive.h"

namespace callsheet {
inline namespace v1 {

/// A member of a job that is either a constant or what another job gives: `bind` or assign it in the constructor, or in
/// `bindInputs()` where the other job depends on members of this one. Read it in `execute` with `*input`.
///
/// A constant is part of the job's parameters; a binding is not, it is made anew by the code.
template <class T>
class JobInput final : public detail::JobInputBase {
 public:
  using Value = T;

  JobInput() = default;
  JobInput(T value) : constant_(std::move(value)) {}
  JobInput& operator=(T value) {
    bind(std::move(value));
    return *this;
  }
  template <detail::GivesInput<T> Job>
  JobInput& operator=(Job job) {
    bind(std::move(job));
    return *this;
  }

  void bind(T value) {
    node_.reset();
    constant_ = std::move(value);
  }
  template <detail::GivesInput<T> Job>
  void bind(Job job) {
    constant_.reset();
    node_ = detail::asAnyJob(std::move(job)).node();
  }
  /// No job is no value, so T has to be optional.
  template <detail::GivesInput<T> Job>
  void bind(std::optional<Job> job) {
    static_assert(detail::isA<T, std::optional>, "an input that may have no job is a JobInput<std::optional<...>>");
    if (job)
      bind(std::move(*job));
    else
      bind(T{});
  }

  /// The constant, or in `execute` what the bound job gave. Error(usage) for a bound one elsewhere, and for one that is
  /// neither.
  [[nodiscard]] const T& operator*() const {
    if (resolved_) return *resolved_;
    if (constant_) return *constant_;
    throw Error(ErrorKind::usage, node_ ? "the input is bound to a job: its value is there in execute()"
                                        : "the input is not bound to a value or a job");
  }
  [[nodiscard]] const T* operator->() const { return &**this; }
  [[nodiscard]] operator const T&() const { return **this; }

  // For the archives and the tree.
  [[nodiscard]] const std::optional<T>& constant() const { return constant_; }
  void setConstant(T value) { bind(std::move(value)); }
  [[nodiscard]] const std::shared_ptr<const detail::Node>& node() const override { return node_; }
  [[nodiscard]] bool hasConstant() const override { return constant_.has_value(); }
  void resolve(const std::string& json) override {
    if constexpr (detail::isA<T, std::optional>) {
      using Held = typename T::value_type;
      resolved_ = json == "null" ? T{} : T{fromJson<Held>(json)};
    } else {
      resolved_ = fromJson<T>(json);
    }
  }

 private:
  std::optional<T> constant_;
  std::shared_ptr<const detail::Node> node_;
  std::optional<T> resolved_;
};

}  // namespace v1
}  // namespace callsheet
