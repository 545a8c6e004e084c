#pragma once
#include <concepts>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "callsheet/any_job.h"
#include "callsheet/job_input.h"
#include "callsheet/job_visitor.h"

namespace callsheet {
inline namespace v1 {
namespace detail {

template <class Job>
concept BindsInputs = requires(Job job) {
  job.bindInputs();
};
template <class Job>
concept TakesContext = requires(Job job, JobContext& context) {
  job.execute(context);
};

/// What cannot be written now never can be, so it is no use trying again.
template <class T>
[[nodiscard]] std::string resultJson(const T& value) {
  try {
    return toJson(value);
  } catch (const Error& error) {
    throw JobError("result", error.what(), false);
  }
}

/// Calls the user's code, and turns what it returns into JSON.
template <class Job>
[[nodiscard]] std::string executeJob(Job& job, JobContext& context) {
  const auto call = [&]() -> decltype(auto) {
    if constexpr (TakesContext<Job>)
      return job.execute(context);
    else
      return job.execute();
  };
  if constexpr (std::is_void_v<decltype(call())>) {
    call();
    return {};
  } else {
    return resultJson(call());
  }
}

/// A job of a user's type.
template <class Job>
class StructNode final : public Node {
 public:
  StructNode(Job job, const std::string& kind, std::uint32_t version) : Node(kind), job_(std::move(job)) {
    const DepthGuard guard;
    if constexpr (BindsInputs<Job>) job_.bindInputs();
    JobVisitor visitor;
    visitor.write(job_);
    for (const auto& [label, input] : visitor.inputs()) {
      if (input->node()) inputs_.push_back({label, input->node(), 0});
      if (!input->node() && !input->hasConstant()) unbound_ += (unbound_.empty() ? "" : ", ") + label;
    }
    CanonicalBytes bytes;
    bytes.text(kind);
    bytes.integer(static_cast<std::uint64_t>(version));
    bytes.append(visitor.bytes());
    identify(bytes, inputs_);
  }

  [[nodiscard]] NodeStep next(const NodeCall& call) const override {
    if (!unbound_.empty())
      return {{}, NodeOutcome::failed("unbound-input", "not bound to a value or a job: " + unbound_, name())};
    if (call.round == 0 && !inputs_.empty()) return {inputs_, std::nullopt};
    for (const NodeOutcome& outcome : call.outcomes)
      if (!outcome.isSuccess()) return {{}, failureOfInputs(inputs_, call.outcomes)};
    Job job = job_;
    resolve(job, call.outcomes);
    if (call.onStart) call.onStart();
    NodeOutcome outcome;
    outcome.value = executeJob(job, call.context);
    return {{}, std::move(outcome)};
  }

 private:
  static void resolve(Job& job, std::span<const NodeOutcome> outcomes) {
    JobVisitor visitor;
    visitor.write(job);
    std::size_t index = 0;
    for (const auto& [label, input] : visitor.inputs()) {
      if (!input->node()) continue;
      try {
        input->resolve(outcomes[index++].value);
      } catch (const Error& error) {
        throw JobError("payload", "input " + label + ": " + error.what(), false);
      }
    }
  }

  Job job_;
  std::vector<NodeInput> inputs_;
  std::string unbound_;
};

template <StructJob Job>
std::shared_ptr<const Node> makeStructNode(Job job) {
  constexpr JobKind kind = Job::kind;
  return std::make_shared<StructNode<Job>>(std::move(job), kind.name, kind.version);
}

}  // namespace detail
}  // namespace v1
}  // namespace callsheet
