#pragma once
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "core/tree_run.h"

namespace callsheet {
inline namespace v1 {

/// One node in a running tree. Guarded by the tree's mutex, but for `node` and `stop`.
struct TreeRun::Instance {
  enum class State : std::uint8_t {
    idle,      // its inputs are not settled
    ready,     // a worker may run it
    running,   // its code runs
    asleep,    // it, or a step that it runs itself, waits by name
    finished,  // `outcome` is there
    canceled,  // nobody wants it any more
  };
  Fingerprint id;  // nil: the root
  std::shared_ptr<const detail::Node> node;
  Fingerprint scope;  // the repetitions that it stands in
  std::string label;
  Fingerprint parent;
  std::uint32_t depth = 0;  // nodes above it
  State state = State::ready;
  unsigned round = 0;
  std::uint32_t repetition = 0;  // the latest that it asked for
  std::vector<Instance*> inputs;
  std::vector<Instance*> users;       // that wait for it
  std::vector<Instance*> failedRuns;  // of the steps that its code ran itself
  std::size_t missing = 0;            // inputs that are not settled
  detail::NodeOutcome outcome;
  bool hasValue = true;     // false: only the store has it
  bool isAsleep = false;    // a wait was recorded while its code ran
  bool isWoken = false;     // and is over, before that code was left
  bool isTimedOut = false;  // its inputs did not end in time
  std::stop_source stop;
  Instance* caller = nullptr;       // whose code runs it, on the same thread
  Instance* awaits = nullptr;       // whom its thread waits for
  std::vector<Instance*> sleepers;  // whose code was left until this one is settled
  std::vector<Fingerprint> waits;   // its own in the tree's waits
  std::int64_t tookMicros = 0;
  MemoState shown = MemoState::waiting;  // what people were told of it; waiting: nothing yet
  bool isOverdue = false;                // it stood there at the last tick already

  [[nodiscard]] bool isSettled() const { return state == State::finished || state == State::canceled; }
};

/// What a step's code sees. Lives on the worker's stack for one call.
class TreeRun::Context final : public JobContext {
 public:
  Context(TreeRun& tree, Instance& instance) : tree_(tree), instance_(instance) {}

  JobID id() const override { return tree_.attempt_.ref.job; }
  ExecID execID() const override { return tree_.attempt_.ref.exec; }
  std::uint32_t attempt() const override { return tree_.attempt_.item.row.attempt; }
  std::uint32_t failures() const override { return tree_.attempt_.item.row.failures; }
  const std::string& kind() const override { return tree_.attempt_.item.row.kind; }
  JobDirector& director() const override { return tree_.host_.director(); }
  std::stop_token stopToken() const override { return instance_.stop.get_token(); }
  Fingerprint step() const override { return instance_.id; }
  void progress(double share, std::string_view text) override;
  void transferToPrincipal() override;
  const JobInjections& injections() const override { return tree_.host_.injections(); }

 protected:
  void follow(const detail::FollowUp& job) override { tree_.follow(instance_, job); }
  [[noreturn]] void raise(const JobFailure& failure) const override { tree_.errors_.raise(failure); }
  detail::NodeOutcome runNode(const std::shared_ptr<const detail::Node>& node) override {
    return tree_.runInline(instance_, node);
  }
  detail::NodeOutcome wait(std::string_view name, std::optional<std::int64_t> wakeAt) override {
    return tree_.waitFor(instance_, detail::waitIDOf(instance_.id, name), name, wakeAt);
  }
  std::string directorName() const override { return tree_.host_.directorName(); }
  std::int64_t now() const override { return tree_.host_.now().utcMicros; }

 private:
  TreeRun& tree_;
  Instance& instance_;
};

}  // namespace v1
}  // namespace callsheet
