#pragma once
// The template part of JobContext: callsheet/job.h is the header to include.
#include <type_traits>
#include <utility>

#include "callsheet/any_job.h"
#include "callsheet/job_context.h"
#include "callsheet/job_result.h"
#include "callsheet/json_archive.h"
#include "callsheet/struct_node.h"

namespace callsheet {
inline namespace v1 {

template <class Job>
typename Job::Value JobContext::run(Job job) {
  static_assert(JobLike<Job>, "a step is a ResultJob or ExecutableJob with a kind, or what a modifier made of one");
  const detail::NodeOutcome outcome = runNode(detail::asAnyJob(std::move(job)).node());
  if (!outcome.isSuccess()) raise(outcome.failure);
  if constexpr (!std::is_void_v<typename Job::Value>) return fromJson<typename Job::Value>(outcome.value);
}

template <class Job>
JobResult<typename Job::Value> JobContext::result(Job job) {
  static_assert(JobLike<Job>, "a step is a ResultJob or ExecutableJob with a kind, or what a modifier made of one");
  const detail::NodeOutcome outcome = runNode(detail::asAnyJob(std::move(job)).node());
  if (!outcome.isSuccess()) return outcome.failure;
  if constexpr (std::is_void_v<typename Job::Value>)
    return true;
  else
    return fromJson<typename Job::Value>(outcome.value);
}

template <class Job>
void JobContext::submitAfter(const Job& job, const SubmitOptions& options) {
  follow({std::type_index(typeid(Job)), detail::parametersOf(job), options});
}

template <class T>
T JobContext::await(std::string_view name) {
  const detail::NodeOutcome outcome = wait(name, std::nullopt);
  if (!outcome.isSuccess()) raise(outcome.failure);
  if constexpr (!std::is_void_v<T>) return fromJson<T>(outcome.value);
}

}  // namespace v1
}  // namespace callsheet
