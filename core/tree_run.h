#pragma once
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "callsheet/job_error_types.h"
#include "callsheet/job_node.h"
#include "core/running_attempt.h"

namespace callsheet {
inline namespace v1 {

/// How a tree's attempt ended.
struct TreeEnd {
  enum class Kind : std::uint8_t {
    finished,   ///< `outcome` is the root's
    suspended,  ///< every unfinished step waits, for the `waits`
    stopped,    ///< asked to end, and nothing runs any more
    notBegun,   ///< could not go on, for no fault of the job: `why`
  };
  Kind kind = Kind::finished;
  detail::NodeOutcome outcome;
  std::vector<MemoRow> waits;
  std::string why;
  std::vector<detail::FollowUp> following;  ///< of a success, what the root's code asked for
};

/// Why a tree is looked at while its steps run.
enum class TreeLook : std::uint8_t {
  timer,  ///< a time that it named has come
  bell,   ///< something of the job may have changed in the store
  tick,   ///< about a second has passed
};

/// Runs one attempt of a job: its tree of steps, from what is remembered of earlier attempts. A step's task takes a
/// worker only while the step's code runs; what its inputs need is remembered, so no step waits on a worker for its
/// inputs. Each step's result is durable before another step sees it. Thread-safe; kept alive by its tasks.
class TreeRun : public std::enable_shared_from_this<TreeRun> {
 public:
  using Post = std::function<void(std::function<void()>)>;
  using Ended = std::function<void(TreeEnd)>;

  /// `post` brings a task to a worker; `ended` is called once, on a worker, when nothing of the attempt runs any more.
  TreeRun(RunningAttempt& attempt, AttemptHost& host, const JobErrorTypes& errors, unsigned workers, Post post,
          Ended ended);
  ~TreeRun();
  /// On a worker's thread, which it uses.
  void begin(std::shared_ptr<const detail::Node> root);
  /// Wakes steps whose wait is over while others run, ends those whose time is over, and hands the job over when the
  /// grace of a transfer has passed: nothing of the attempt counts from then on, though its code may still run. Not on
  /// a worker's thread.
  void look(TreeLook why);
  /// How long until the next time that it has to be looked at; nothing: no such time.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> nextLook();

 private:
  class Context;
  struct Instance;
  using Lock = std::unique_lock<std::mutex>;

  // All with the lock held, unless they say otherwise.
  [[nodiscard]] bool mayStart() const;
  void work();  // without
  void runRound(Lock& lock, Instance& instance);
  [[nodiscard]] std::vector<detail::NodeOutcome> outcomesOf(Lock& lock, const Instance& instance);
  [[nodiscard]] detail::NodeStep ask(Lock& lock, Instance& instance, std::vector<detail::NodeOutcome> outcomes);
  void expand(Instance& parent, const std::vector<detail::NodeInput>& needs);
  void requireRoom(const Instance& parent, const std::vector<detail::NodeInput>& needs) const;
  [[nodiscard]] Instance& instanceOf(const detail::NodeInput& input, Instance& parent);
  void finish(Lock& lock, Instance& instance, detail::NodeOutcome outcome);
  [[nodiscard]] bool store(const Instance& instance, detail::NodeOutcome& outcome);  // without
  void settle(Instance& instance);
  void endUnwanted(Instance& failed);
  void cancel(Instance& instance);
  void askUnwanted(Lock& lock);
  static void recognise(const Instance& instance, detail::NodeOutcome& thrown);
  void fallAsleep(Instance& instance);
  void addWait(Instance& instance, const MemoRow& wait);
  void dropWaits(Instance& instance);
  void sleepFor(Instance& sleeper, Instance& settling);
  void stayAwake(Instance& instance, Fingerprint wait);
  void beginLimit(Lock& lock, Instance& instance, std::chrono::microseconds limit);
  void timeOut(Instance& instance);
  void wakeOverdue(std::int64_t utcMicros);
  void hearEvents(Lock& lock);
  [[nodiscard]] std::vector<MemoRow> newsForPeople();
  [[nodiscard]] MemoRow rowOf(const Instance& instance, MemoState state) const;
  [[nodiscard]] std::vector<MemoRow> openWaits() const;
  [[nodiscard]] std::optional<detail::NodeOutcome> migrated(Lock& lock, const Instance& instance);
  [[nodiscard]] bool isWanted(const Instance& instance) const;
  void makeReady(Instance& instance);
  void offer();
  void endIfQuiet(Lock& lock);
  [[nodiscard]] TreeEnd endOf();

  // For the context of a running step.
  [[nodiscard]] detail::NodeOutcome runInline(Instance& caller, const std::shared_ptr<const detail::Node>& node);
  void finishInline(Lock& lock, Instance& caller, Instance& wanted);
  [[nodiscard]] detail::NodeOutcome waitFor(Instance& caller, Fingerprint id, std::string_view name,
                                            std::optional<std::int64_t> wakeAt);
  [[nodiscard]] AttemptAnswer untilAnswered(const std::function<AttemptAnswer()>& ask);  // without
  void giveUp(const AttemptAnswer& answer, const std::string& what);                     // without
  void follow(const Instance& caller, const detail::FollowUp& job);
  void transferAsked();

  RunningAttempt& attempt_;
  AttemptHost& host_;
  const JobErrorTypes& errors_;
  const unsigned workers_;
  const Post post_;
  const Ended ended_;
  std::mutex mutex_;
  std::condition_variable settled_;
  // Guarded by mutex_.
  std::map<Fingerprint, std::unique_ptr<Instance>> instances_;
  std::map<Fingerprint, MemoRow> known_;
  std::deque<Instance*> ready_;
  struct Wait {
    MemoRow row;
    Instance* instance;
  };
  std::map<Fingerprint, Wait> waits_;       // that this attempt came upon
  std::vector<std::stop_source> unwanted_;  // of steps that are to be asked to end
  std::vector<detail::FollowUp> following_;
  std::int64_t graceEndsAt_ = 0;  // boot ns; of a transfer
  Instance* root_ = nullptr;
  std::string notBegun_;
  std::optional<detail::NodeOutcome> broken_;  // the whole job's: not even a step's failure could be stored
  unsigned running_ = 0;                       // tasks inside a step's code
  unsigned posted_ = 0;                        // tasks on their way
  bool isSuspending_ = false;
  bool wantsLook_ = false;  // a time was added at which look() has something to do
  bool isOver_ = false;
};

/// What a node's result is stored under when it stands inside repetitions; nil: it stands in none.
[[nodiscard]] Fingerprint stepIDOf(Fingerprint node, Fingerprint scope);

}  // namespace v1
}  // namespace callsheet
