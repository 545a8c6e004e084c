#pragma once
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "callsheet/any_job.h"
#include "callsheet/job_visitor.h"
#include "callsheet/struct_node.h"

namespace callsheet {
inline namespace v1 {

/// What one failed job of a batch means for the others: the batch fails in any case, unless its jobs give JobResults
/// (mapToResult).
enum class BatchPolicy : std::uint8_t {
  endOthers,     ///< they are ended
  finishOthers,  ///< they are finished, and all failures are reported
};

namespace detail {

template <class Key, class T>
class BatchNode final : public Node {
 public:
  BatchNode(std::vector<Key> keys, std::vector<AnyJob<T>> jobs, BatchPolicy policy)
      : Node("batch"), keys_(std::move(keys)), policy_(policy) {
    CanonicalBytes bytes;
    bytes.group('|', 2);
    bytes.text("batch");
    bytes.integer(static_cast<std::uint64_t>(policy_));
    bytes.group('{', keys_.size());
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      JobVisitor visitor;
      visitor.write(keys_[i]);
      bytes.append(visitor.bytes());
      bytes.reference(jobs[i].node()->fingerprint());
      inputs_.push_back({toJson(keys_[i]), jobs[i].node(), 0});
    }
    identify(bytes, inputs_);
    auto sorted = keys_;
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end()) duplicate_ = toJson(*twice);
  }

  [[nodiscard]] NodeStep next(const NodeCall& call) const override {
    if (!duplicate_.empty())
      return {{}, NodeOutcome::failed("duplicate-key", "a batch has the key " + duplicate_ + " twice", name()), {}};
    if (call.round == 0 && !inputs_.empty()) return {inputs_, std::nullopt, {}};
    for (const NodeOutcome& outcome : call.outcomes)
      if (!outcome.isSuccess()) return {{}, failureOfInputs(inputs_, call.outcomes), {}};
    if (call.onStart) call.onStart();
    NodeOutcome outcome;
    if constexpr (!std::is_void_v<T>) {
      std::map<Key, T> all;
      for (std::size_t i = 0; i < keys_.size(); ++i) all.emplace(keys_[i], fromJson<T>(call.outcomes[i].value));
      outcome.value = resultJson(all);
    }
    return {{}, std::move(outcome), {}};
  }
  [[nodiscard]] bool endsSiblings() const override { return policy_ == BatchPolicy::endOthers; }

 private:
  std::vector<Key> keys_;
  BatchPolicy policy_;
  std::vector<NodeInput> inputs_;
  std::string duplicate_;
};

template <class Key, class T>
struct BatchValue {
  using Type = std::map<Key, T>;
};
template <class Key>
struct BatchValue<Key, void> {
  using Type = void;
};

}  // namespace detail

/// One job for each key, all at once; gives a map from the keys to their results, or nothing when the jobs give
/// nothing. A key that stands there twice fails the batch.
template <class Key, class F>
[[nodiscard]] auto batch(std::vector<Key> keys, F f, BatchPolicy policy = BatchPolicy::endOthers) {
  using Job = std::invoke_result_t<F&, const Key&>;
  using T = typename Job::Value;
  std::vector<AnyJob<T>> jobs;
  for (const Key& key : keys) jobs.push_back(detail::asAnyJob(f(key)));
  return AnyJob<typename detail::BatchValue<Key, T>::Type>(
      std::make_shared<detail::BatchNode<Key, T>>(std::move(keys), std::move(jobs), policy));
}

}  // namespace v1
}  // namespace callsheet
