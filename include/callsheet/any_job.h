#pragma once
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "callsheet/archive_dispatch.h"
#include "callsheet/job_node.h"

namespace callsheet {
inline namespace v1 {

/// What a job is called wherever it is stored, and the version of its shape and meaning: a larger one does not use
/// results of the smaller.
struct JobKind {
  const char* name;
  std::uint32_t version = 1;
};

/// Base of a job that gives a value: `T execute()` or `T execute(JobContext&)`, a `serialize` with named members, and
/// `static constexpr JobKind kind{"name", version}`. With `static std::optional<T> migrate(std::uint32_t version, const
/// std::string& json)` it may accept what an earlier version of it with the same parameters gave in the same job.
template <class T>
struct ResultJob {
  using Value = T;
};

/// Base of a job that only does something: `void execute()`.
struct ExecutableJob {
  using Value = void;
};

/// Base of a job that is submitted, the root of a tree. It is registered in the JobTypes under its kind. It may have
/// hooks that give a job (or an optional one) to be submitted in the transaction in which it ends: `finished(const T&)
/// const` with what execute gave, or `finished() const`; and `failed(const JobError&) const`, called when no retry is
/// left. They see the parameters, not the inputs; what ends a job without its code (a cancel, a time limit, the
/// quarantine) calls neither.
struct SubmittableJob {};

namespace detail {

/// An input as the tree sees it.
class JobInputBase {
 public:
  virtual ~JobInputBase() = default;
  /// The job that it is bound to; nothing for a constant.
  [[nodiscard]] virtual const std::shared_ptr<const Node>& node() const = 0;
  [[nodiscard]] virtual bool hasConstant() const = 0;
  virtual void resolve(const std::string& json) = 0;
};

template <class Job>
concept StructJob = requires {
  typename Job::Value;
  { Job::kind } -> std::convertible_to<JobKind>;
}
&&std::copy_constructible<Job>;  // last: for an AnyJob the question would come back here

template <StructJob Job>
[[nodiscard]] std::shared_ptr<const Node> makeStructNode(Job job);

}  // namespace detail

/// Some job that gives a T: any ResultJob<T>, or what a modifier made of one. A value that is cheap to copy.
template <class T>
class AnyJob {
 public:
  using Value = T;

  template <detail::StructJob Job>
  requires std::same_as<typename Job::Value, T> AnyJob(Job job) : node_(detail::makeStructNode(std::move(job))) {}
  explicit AnyJob(std::shared_ptr<const detail::Node> node) : node_(std::move(node)) {}
  [[nodiscard]] const std::shared_ptr<const detail::Node>& node() const { return node_; }

 private:
  std::shared_ptr<const detail::Node> node_;
};

/// Whatever can stand in a tree: a job type with a kind, or an AnyJob.
template <class Job>
concept JobLike = detail::StructJob<Job> || detail::isA<Job, AnyJob>;

namespace detail {

template <JobLike Job>
[[nodiscard]] AnyJob<typename Job::Value> asAnyJob(Job job) {
  return AnyJob<typename Job::Value>(std::move(job));
}

template <class T>
struct OptionalOf {
  using Type = void;
};
template <class T>
struct OptionalOf<std::optional<T>> {
  using Type = T;
};

/// Jobs that an input of T may be bound to: those of a T, and for an optional T those of what it holds.
template <class Job, class T>
concept GivesInput = JobLike<Job> &&
    (std::same_as<typename Job::Value, T> || std::same_as<typename Job::Value, typename OptionalOf<T>::Type>);

}  // namespace detail
}  // namespace v1
}  // namespace callsheet
