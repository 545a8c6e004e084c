#pragma once
#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "callsheet/any_job.h"
#include "callsheet/job_result.h"
#include "callsheet/retry_policy.h"
#include "callsheet/struct_node.h"

// What can be done to a job's result before another one takes it, as pipes:
//
//   Download{url} | retry({.maxAttempts = 5}) | map("trim", trim) | recover("none", [](const JobError&) { return ""s;
//   })
//
// A named function is a step of its own: its result is stored under its name, so a name stands for one meaning for
// ever. A transfer, a cancel, a suspension or a stop is never taken for a failure.
namespace callsheet {
inline namespace v1 {
namespace detail {

/// One function over one input's result.
class StepNode : public Node {
 public:
  /// `what` is the modifier's own name, part of the fingerprint; `takesFailures` hands those to `run` as well.
  using Run = std::function<std::string(const NodeOutcome& input, const NodeCall& call)>;
  StepNode(std::string_view what, std::string name, std::shared_ptr<const Node> input, bool takesFailures, Run run);
  [[nodiscard]] NodeStep next(const NodeCall& call) const override;

 private:
  NodeInput input_;
  bool takesFailures_;
  Run run_;
};

/// Runs its input again, each time as other work, until it succeeds or the policy forgives no more.
class RetryNode final : public Node {
 public:
  using Filter = std::function<bool(const JobError& error, std::uint32_t attempt)>;
  RetryNode(RetryPolicy policy, std::string name, std::shared_ptr<const Node> input, Filter filter);
  [[nodiscard]] NodeStep next(const NodeCall& call) const override;

 private:
  std::shared_ptr<const Node> input_;
  RetryPolicy policy_;
  Filter filter_;
};

/// Gives its input a time within which it must have ended.
class TimeoutNode final : public Node {
 public:
  TimeoutNode(std::chrono::microseconds limit, std::shared_ptr<const Node> input);
  [[nodiscard]] NodeStep next(const NodeCall& call) const override;

 private:
  NodeInput input_;
  std::chrono::microseconds limit_;
};

/// Calls a function whenever its job's own code is about to begin.
class OnStartNode final : public Node {
 public:
  OnStartNode(const std::string& name, std::shared_ptr<const Node> job, std::function<void(JobContext&)> started);
  [[nodiscard]] NodeStep next(const NodeCall& call) const override;
  [[nodiscard]] bool endsSiblings() const override { return job_->endsSiblings(); }

 private:
  std::shared_ptr<const Node> job_;
  std::function<void(JobContext&)> started_;
};

/// The result of a call as JSON; "" for void.
template <class Call>
[[nodiscard]] std::string jsonOf(Call&& call) {
  if constexpr (std::is_void_v<decltype(call())>) {
    call();
    return {};
  } else {
    return resultJson(call());
  }
}

template <class F, class T>
struct ResultOf {
  using Type = std::invoke_result_t<const F&, const T&>;
};
template <class F>
struct ResultOf<F, void> {
  using Type = std::invoke_result_t<const F&>;
};

template <class F>
struct Map {
  std::string name;
  F function;
};
template <class F>
struct Recover {
  std::string name;
  F function;
};
struct Retry {
  RetryPolicy policy;
  std::string name;
  RetryNode::Filter filter;
};
struct Timeout {
  std::chrono::microseconds limit;
};
struct MapToResult {};
struct OnStart {
  std::string name;
  std::function<void(JobContext&)> started;
};

template <JobLike Job, class F>
[[nodiscard]] auto operator|(Job job, Map<F> map) {
  using In = typename Job::Value;
  using Out = std::remove_cvref_t<typename ResultOf<F, In>::Type>;
  auto run = [function = std::move(map.function)](const NodeOutcome& input, const NodeCall&) {
    if constexpr (std::is_void_v<In>)
      return jsonOf([&]() -> decltype(auto) { return function(); });
    else
      return jsonOf([&]() -> decltype(auto) { return function(fromJson<In>(input.value)); });
  };
  return AnyJob<Out>(
      std::make_shared<StepNode>("map", std::move(map.name), asAnyJob(std::move(job)).node(), false, std::move(run)));
}

template <JobLike Job, class F>
[[nodiscard]] auto operator|(Job job, Recover<F> recover) {
  using T = typename Job::Value;
  auto run = [function = std::move(recover.function)](const NodeOutcome& input, const NodeCall&) {
    if (input.isSuccess()) return input.value;
    return jsonOf([&]() -> T { return function(JobError(input.failure)); });
  };
  return AnyJob<T>(std::make_shared<StepNode>("recover", std::move(recover.name), asAnyJob(std::move(job)).node(), true,
                                              std::move(run)));
}

template <JobLike Job>
[[nodiscard]] auto operator|(Job job, MapToResult) {
  using T = typename Job::Value;
  using Held = typename JobResult<T>::Held;
  auto run = [](const NodeOutcome& input, const NodeCall&) {
    if (!input.isSuccess()) return resultJson(JobResult<T>(input.failure));
    if constexpr (std::is_void_v<T>)
      return resultJson(JobResult<T>(true));
    else
      return resultJson(JobResult<T>(fromJson<Held>(input.value)));
  };
  return AnyJob<JobResult<T>>(
      std::make_shared<StepNode>("result", "result", asAnyJob(std::move(job)).node(), true, std::move(run)));
}

template <JobLike Job>
[[nodiscard]] auto operator|(Job job, Retry retry) {
  return AnyJob<typename Job::Value>(std::make_shared<RetryNode>(
      retry.policy, std::move(retry.name), asAnyJob(std::move(job)).node(), std::move(retry.filter)));
}

template <JobLike Job>
[[nodiscard]] auto operator|(Job job, Timeout timeout) {
  return AnyJob<typename Job::Value>(std::make_shared<TimeoutNode>(timeout.limit, asAnyJob(std::move(job)).node()));
}

template <JobLike Job>
[[nodiscard]] auto operator|(Job job, OnStart onStart) {
  return AnyJob<typename Job::Value>(
      std::make_shared<OnStartNode>(onStart.name, asAnyJob(std::move(job)).node(), std::move(onStart.started)));
}

}  // namespace detail

/// Makes another value of a result: `f(const T&)`.
template <class F>
[[nodiscard]] detail::Map<F> map(std::string name, F f) {
  return {std::move(name), std::move(f)};
}
/// Makes a value of a failure: `f(const JobError&)`. What it throws takes the failure's place.
template <class F>
[[nodiscard]] detail::Recover<F> recover(std::string name, F f) {
  return {std::move(name), std::move(f)};
}
/// Gives the JobResult<T>, which is a success whatever the job came to.
[[nodiscard]] inline detail::MapToResult mapToResult() {
  return {};
}
/// Runs the job, with all that it depends on, again when it fails. The pauses of the policy are durable; every
/// attempt's outcome is stored.
[[nodiscard]] inline detail::Retry retry(RetryPolicy policy) {
  return {policy, "retry", {}};
}
/// The same while `filter(error, attempt)` agrees, the attempt counted from 1.
[[nodiscard]] inline detail::Retry retry(RetryPolicy policy, std::string name,
                                         std::function<bool(const JobError&, std::uint32_t)> filter) {
  return {policy, std::move(name), std::move(filter)};
}
/// Fails with type `timeout` when the job, with all that it depends on, has not ended so long after it was first
/// needed. The time is durable: it goes on across deaths, transfers and waits. What still runs then is asked to end.
/// The failure may be retried, and each repetition has its own time.
[[nodiscard]] inline detail::Timeout timeout(std::chrono::microseconds limit) {
  return {limit};
}
/// Calls `f()` or `f(JobContext&)` whenever the job's own code is about to begin: in every attempt that has to run it.
/// Around a retry or timeout: before each of their turns.
template <class F>
[[nodiscard]] detail::OnStart onStart(std::string name, F f) {
  if constexpr (std::invocable<F&, JobContext&>)
    return {std::move(name), std::move(f)};
  else
    return {std::move(name), [f = std::move(f)](JobContext&) mutable { f(); }};
}

}  // namespace v1
}  // namespace callsheet
