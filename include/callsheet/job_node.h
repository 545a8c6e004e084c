#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "callsheet/fingerprint.h"
#include "callsheet/job_context.h"
#include "callsheet/job_failure.h"

// What a job's tree is made of, below the types that users write (callsheet/any_job.h).
namespace callsheet {
inline namespace v1 {
namespace detail {

/// What a step came to.
struct NodeOutcome {
  std::string value;        ///< JSON; empty: none
  JobFailure failure;       ///< its type is empty for a success
  bool retryable = true;    ///< whether it may come to something else when it is run again
  bool isStored = false;    ///< it is a step's failure, handed on: the same job could only meet it again
  bool isCanceled = false;  ///< ended because its result is not wanted any more: no result of its own
  std::string leftover;     ///< JSON that a root leaves although it failed
  std::chrono::microseconds leastDelay{0};  ///< the next attempt begins no sooner

  [[nodiscard]] bool isSuccess() const { return failure.type.empty() && !isCanceled; }
  [[nodiscard]] static NodeOutcome failed(std::string type, std::string message, std::string origin = {});
};

class Node;

/// A node that another one needs. Different repetitions of one node are different work.
struct NodeInput {
  std::string label;  ///< what the other one calls it
  std::shared_ptr<const Node> node;
  std::uint32_t repetition = 0;
};

/// One question to a node: `outcomes` are those of the inputs that it asked for in the round before.
struct NodeCall {
  JobContext& context;
  unsigned round = 0;
  std::span<const NodeOutcome> outcomes;
  std::function<void()> onStart;  ///< to be called before the user's code; may be empty
  bool isTimedOut = false;        ///< the inputs did not end within the step's limit
};

/// A node's answer: either what it needs first, or what it came to.
struct NodeStep {
  std::vector<NodeInput> needs;
  std::optional<NodeOutcome> outcome;
  /// How long the needs may take, counted from the first time that the job asked for them. Durable.
  std::optional<std::chrono::microseconds> limit;
};

/// What a step was called in an earlier version of its kind.
struct FormerName {
  std::uint32_t version = 0;
  Fingerprint fingerprint;
};

/// One step of a job: what it is, what goes into it, and how it runs. Immutable, so it may be shared between trees and
/// threads.
class Node {
 public:
  virtual ~Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] Fingerprint fingerprint() const { return fingerprint_; }
  /// Of the deepest node under this one, itself counted.
  [[nodiscard]] std::uint32_t depth() const { return depth_; }
  /// Asked in rounds from 0 on, on a worker's thread, until it answers with an outcome. User code inside may throw.
  [[nodiscard]] virtual NodeStep next(const NodeCall& call) const = 0;
  /// Whether one input's failure ends the others.
  [[nodiscard]] virtual bool endsSiblings() const { return true; }
  /// Earlier versions whose results may be accepted, the latest first, and what one of them is worth now; nothing: it
  /// is to be run.
  [[nodiscard]] virtual std::vector<FormerName> formerNames() const { return {}; }
  [[nodiscard]] virtual std::optional<std::string> migrate(std::uint32_t, const std::string&) const { return {}; }
  /// Of a root: the jobs that are to follow on this end.
  [[nodiscard]] virtual std::vector<FollowUp> following(const NodeOutcome&) const { return {}; }

 protected:
  explicit Node(std::string name) : name_(std::move(name)) {}
  /// Once, at the end of construction.
  void identify(const CanonicalBytes& bytes, std::span<const NodeInput> inputs);

 private:
  std::string name_;
  Fingerprint fingerprint_;
  std::uint32_t depth_ = 1;
};

/// The failure of a node whose inputs failed: theirs, if it is one. Canceled inputs are not counted while there are
/// others.
[[nodiscard]] NodeOutcome failureOfInputs(std::span<const NodeInput> inputs, std::span<const NodeOutcome> outcomes);

/// Counts the constructors inside each other, so that a job which binds itself is an error and no overflow of the
/// stack. Throws JobError("tree-depth").
class DepthGuard {
 public:
  DepthGuard();
  ~DepthGuard();
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;
};

}  // namespace detail
}  // namespace v1
}  // namespace callsheet
