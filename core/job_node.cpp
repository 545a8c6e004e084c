#include "callsheet/job_node.h"

#include <algorithm>

#include "callsheet/limits.h"

namespace callsheet {
inline namespace v1 {
namespace detail {

NodeOutcome NodeOutcome::failed(std::string type, std::string message, std::string origin) {
  NodeOutcome outcome;
  outcome.failure = {std::move(type), std::move(message), std::move(origin), {}};
  outcome.retryable = false;
  return outcome;
}

void Node::identify(const CanonicalBytes& bytes, std::span<const NodeInput> inputs) {
  fingerprint_ = bytes.fingerprint();
  for (const NodeInput& input : inputs) depth_ = std::max(depth_, input.node->depth() + 1);
}

NodeOutcome failureOfInputs(std::span<const NodeInput> inputs, std::span<const NodeOutcome> outcomes) {
  std::vector<std::size_t> failed;
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    if (!outcomes[i].isSuccess() && !outcomes[i].isCanceled) failed.push_back(i);
  if (failed.empty()) {
    NodeOutcome canceled;
    canceled.isCanceled = true;
    return canceled;
  }
  if (failed.size() == 1) {
    NodeOutcome same = outcomes[failed.front()];
    same.isStored = true;
    return same;
  }
  std::string message = std::to_string(failed.size()) + " inputs failed";
  for (const std::size_t i : failed) {
    const JobFailure& failure = outcomes[i].failure;
    message += (i == failed.front() ? ": " : "; ") + inputs[i].label + ": " + failure.type + ": " + failure.message;
  }
  message.resize(std::min(message.size(), limits::errorBytesMax));
  NodeOutcome all = NodeOutcome::failed("inputs", std::move(message));
  all.retryable = std::all_of(failed.begin(), failed.end(), [&](std::size_t i) { return outcomes[i].retryable; });
  all.isStored = true;
  return all;
}

namespace {
thread_local std::uint32_t constructing = 0;
}  // namespace

DepthGuard::DepthGuard() {
  if (++constructing <= limits::treeDepthMax) return;
  --constructing;
  throw JobError(
      "tree-depth",
      "the job's steps are more than " + std::to_string(limits::treeDepthMax) + " deep; does one bind itself?", false);
}
DepthGuard::~DepthGuard() {
  --constructing;
}

}  // namespace detail
}  // namespace v1
}  // namespace callsheet
