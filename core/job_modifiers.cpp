#include "callsheet/job_modifiers.h"

#include <random>

#include "callsheet/limits.h"
#include "core/duration_text.h"

namespace callsheet {
inline namespace v1 {
namespace detail {

namespace {
void addPolicy(CanonicalBytes& bytes, const RetryPolicy& policy) {
  bytes.integer(std::uint64_t{policy.maxAttempts});
  bytes.integer(std::int64_t{policy.firstDelay.count()});
  bytes.real(policy.factor);
  bytes.integer(std::int64_t{policy.maxDelay.count()});
  bytes.real(policy.jitter);
}
}  // namespace

StepNode::StepNode(std::string_view what, std::string name, std::shared_ptr<const Node> input, bool takesFailures,
                   Run run)
    : Node(std::move(name)), input_{"input", std::move(input), 0}, takesFailures_(takesFailures), run_(std::move(run)) {
  CanonicalBytes bytes;
  bytes.group('|', 2);
  bytes.text(what);
  bytes.text(this->name());
  bytes.reference(input_.node->fingerprint());
  identify(bytes, {&input_, 1});
}

NodeStep StepNode::next(const NodeCall& call) const {
  if (call.round == 0) return {{input_}, std::nullopt, {}};
  const NodeOutcome& input = call.outcomes[0];
  if (input.isCanceled || (!input.isSuccess() && !takesFailures_))
    return {{}, failureOfInputs({&input_, 1}, call.outcomes), {}};
  if (call.onStart) call.onStart();
  NodeOutcome outcome;
  outcome.value = run_(input, call);
  return {{}, std::move(outcome), {}};
}

RetryNode::RetryNode(RetryPolicy policy, std::string name, std::shared_ptr<const Node> input, Filter filter)
    : Node(std::move(name)), input_(std::move(input)), policy_(policy), filter_(std::move(filter)) {
  if (auto why = whyRefused(policy_)) throw JobError("retry-policy", *why, false);
  CanonicalBytes bytes;
  bytes.group('|', 2);
  bytes.text("retry");
  bytes.text(this->name());
  addPolicy(bytes, policy_);
  bytes.reference(input_->fingerprint());
  const NodeInput inputOnce{"input", input_, 0};
  identify(bytes, {&inputOnce, 1});
}

NodeStep RetryNode::next(const NodeCall& call) const {
  if (call.round > 0) {
    const NodeOutcome& last = call.outcomes[0];
    bool again = !last.isSuccess() && !last.isCanceled && last.retryable && mayRetry(policy_, call.round);
    if (again && filter_) again = filter_(JobError(last.failure), call.round);
    if (!again) return {{}, last, {}};
    thread_local std::minstd_rand random(std::random_device{}());
    call.context.sleep("attempt-" + std::to_string(call.round + 1),
                       delayAfter(policy_, call.round, static_cast<std::uint32_t>(random())));
  }
  if (call.onStart) call.onStart();
  return {{{"attempt " + std::to_string(call.round + 1), input_, call.round + 1}}, std::nullopt, {}};
}

TimeoutNode::TimeoutNode(std::chrono::microseconds limit, std::shared_ptr<const Node> input)
    : Node("timeout"), input_{"input", std::move(input), 0}, limit_(limit) {
  if (limit_.count() <= 0 || limit_ > limits::delayMax)
    throw JobError("timeout-limit", "a timeout lies within 0 and ten years, and is not 0", false);
  CanonicalBytes bytes;
  bytes.group('|', 2);
  bytes.text("timeout");
  bytes.integer(std::int64_t{limit_.count()});
  bytes.reference(input_.node->fingerprint());
  identify(bytes, {&input_, 1});
}

NodeStep TimeoutNode::next(const NodeCall& call) const {
  if (call.round == 0) {
    if (call.onStart) call.onStart();
    return {{input_}, std::nullopt, limit_};
  }
  if (call.isTimedOut) {
    NodeOutcome late =
        NodeOutcome::failed("timeout", "it has not ended within " + formatDuration(limit_), input_.node->name());
    late.retryable = true;
    return {{}, std::move(late), {}};
  }
  return {{}, call.outcomes[0], {}};
}

OnStartNode::OnStartNode(const std::string& name, std::shared_ptr<const Node> job,
                         std::function<void(JobContext&)> started)
    : Node(job->name()), job_(std::move(job)), started_(std::move(started)) {
  CanonicalBytes bytes;
  bytes.group('|', 2);
  bytes.text("onStart");
  bytes.text(name);
  bytes.reference(job_->fingerprint());
  const NodeInput jobOnce{"job", job_, 0};
  identify(bytes, {&jobOnce, 1});
}

NodeStep OnStartNode::next(const NodeCall& call) const {
  NodeCall inner = call;
  inner.onStart = [&] {
    if (call.onStart) call.onStart();
    started_(call.context);
  };
  return job_->next(inner);
}

}  // namespace detail
}  // namespace v1
}  // namespace callsheet
