#pragma once
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <typeindex>
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

template <class Job>
concept MigratesResults = requires(std::uint32_t version, const std::string& json) {
  { Job::migrate(version, json) } -> std::same_as<std::optional<typename Job::Value>>;
};
template <class Job>
decltype(auto) callExecute(Job& job, JobContext& context) {
  if constexpr (TakesContext<Job>)
    return job.execute(context);
  else
    return job.execute();
}
template <class Job>
using ExecuteResult = std::remove_cvref_t<decltype(callExecute(std::declval<Job&>(), std::declval<JobContext&>()))>;
template <class Job>
concept HasFailedHook = requires(const Job job, const JobError& error) {
  job.failed(error);
};
template <class Job, class T>
concept HasFinishedHook = requires(const Job job, const T& value) {
  job.finished(value);
};
template <class Job>
concept HasBareFinishedHook = requires(const Job job) {
  job.finished();
};

/// A hook that nobody could call would silently never be.
template <class Job, class T>
constexpr void checkHooks() {
  if constexpr (requires { requires std::is_member_function_pointer_v<decltype(&Job::finished)>; }) {
    constexpr bool takesResult = [] {
      if constexpr (std::is_void_v<T>)
        return false;
      else
        return HasFinishedHook<Job, T>;
    }();
    static_assert(HasBareFinishedHook<Job> || takesResult,
                  "finished() const, or finished(const T&) const with what execute gives");
  }
  if constexpr (requires { requires std::is_member_function_pointer_v<decltype(&Job::failed)>; })
    static_assert(HasFailedHook<Job>, "failed(const JobError&) const");
}

template <class Job>
void addFollowUp(std::vector<FollowUp>& following, const Job& job);

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
  if constexpr (std::is_void_v<ExecuteResult<Job>>) {
    callExecute(job, context);
    return {};
  } else {
    return resultJson(callExecute(job, context));
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
    if constexpr (MigratesResults<Job>)
      for (std::uint32_t former = version - 1; former > 0; --former) {
        CanonicalBytes before;
        before.text(kind);
        before.integer(static_cast<std::uint64_t>(former));
        before.append(visitor.bytes());
        formerNames_.push_back({former, before.fingerprint()});
      }
  }

  [[nodiscard]] NodeStep next(const NodeCall& call) const override {
    if (!unbound_.empty())
      return {{}, NodeOutcome::failed("unbound-input", "not bound to a value or a job: " + unbound_, name()), {}};
    if (call.round == 0 && !inputs_.empty()) return {inputs_, std::nullopt, {}};
    for (const NodeOutcome& outcome : call.outcomes)
      if (!outcome.isSuccess()) return {{}, failureOfInputs(inputs_, call.outcomes), {}};
    Job job = job_;
    resolve(job, call.outcomes);
    if (call.onStart) call.onStart();
    NodeOutcome outcome;
    outcome.value = executeJob(job, call.context);
    return {{}, std::move(outcome), {}};
  }

  [[nodiscard]] std::vector<FormerName> formerNames() const override { return formerNames_; }
  [[nodiscard]] std::optional<std::string> migrate(std::uint32_t version, const std::string& value) const override {
    if constexpr (MigratesResults<Job>)
      if (const auto accepted = Job::migrate(version, value)) return resultJson(*accepted);
    return std::nullopt;
  }
  [[nodiscard]] std::vector<FollowUp> following(const NodeOutcome& outcome) const override {
    using Result = ExecuteResult<Job>;
    checkHooks<Job, Result>();
    std::vector<FollowUp> following;
    if (!outcome.isSuccess()) {
      if constexpr (HasFailedHook<Job>) addFollowUp(following, job_.failed(JobError(outcome.failure)));
    } else if constexpr (HasBareFinishedHook<Job>) {
      addFollowUp(following, job_.finished());
    } else if constexpr (!std::is_void_v<Result>) {
      if constexpr (HasFinishedHook<Job, Result>)
        addFollowUp(following, job_.finished(fromJson<Result>(outcome.value)));
    }
    return following;
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
  std::vector<FormerName> formerNames_;
  std::string unbound_;
};

/// What is stored of a job. Its bindings are not: they are made anew from the rest, so one that would come out
/// differently is refused while somebody is there to hear of it. Error(usage), and what writing JSON throws.
template <class Job>
[[nodiscard]] std::string parametersOf(const Job& job) {
  std::string json = toJson(job);
  JobVisitor visitor;
  visitor.write(job);
  if (visitor.inputs().empty() && !BindsInputs<Job>) return json;
  Fingerprint told;
  Fingerprint madeAgain;
  try {
    told = StructNode<Job>(job, {}, 1).fingerprint();
    Job again;
    fromJson(json, again);
    madeAgain = StructNode<Job>(std::move(again), {}, 1).fingerprint();
  } catch (...) {
    return json;  // whatever the job's code throws is its failure when it runs, and stored then
  }
  if (told != madeAgain)
    throw Error(ErrorKind::usage,
                "made again from its parameters the job would have other inputs: bind them in its constructor or in "
                "bindInputs(), by nothing but members that serialize() keeps");
  return json;
}

/// A hook's answer: a job, or an optional one.
template <class Job>
void addFollowUp(std::vector<FollowUp>& following, const Job& job) {
  if constexpr (isA<Job, std::optional>) {
    if (job) addFollowUp(following, *job);
  } else {
    following.push_back({std::type_index(typeid(Job)), parametersOf(job), {}});
  }
}

template <StructJob Job>
std::shared_ptr<const Node> makeStructNode(Job job) {
  constexpr JobKind kind = Job::kind;
  return std::make_shared<StructNode<Job>>(std::move(job), kind.name, kind.version);
}

}  // namespace detail
}  // namespace v1
}  // namespace callsheet
