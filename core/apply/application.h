#pragma once
#include <functional>
#include <optional>
#include <string>
#include <unordered_set>

#include "core/apply.h"

namespace callsheet {
inline namespace v1 {

/// One verb being applied: what every verb's function needs to read, decide and write. Lives for one call of apply.
class Application {
 public:
  Application(const Moment& now, Rows& rows, Effects& effects) : now_(now), rows_(rows), effects_(effects) {}

  [[nodiscard]] Answer operator()(const RegisterIncarnation& verb);
  [[nodiscard]] Answer operator()(const CloseIncarnation& verb);
  [[nodiscard]] Adopt::Answer operator()(const Adopt& verb);
  [[nodiscard]] Submit::Answer operator()(const Submit& verb);
  [[nodiscard]] Claim::Answer operator()(const Claim& verb);
  [[nodiscard]] AttemptAnswer operator()(const Start& verb);
  [[nodiscard]] AttemptAnswer operator()(const Unclaim& verb);
  [[nodiscard]] AttemptAnswer operator()(const Notify& verb);
  [[nodiscard]] AttemptAnswer operator()(const Succeed& verb);
  [[nodiscard]] AttemptAnswer operator()(const Fail& verb);
  [[nodiscard]] AttemptAnswer operator()(const RequestTransfer& verb);
  [[nodiscard]] AttemptAnswer operator()(const Transfer& verb);
  [[nodiscard]] AttemptAnswer operator()(const Cancel& verb);
  [[nodiscard]] AttemptAnswer operator()(const Forget& verb);
  [[nodiscard]] Answer operator()(const Discard& verb);
  [[nodiscard]] SweepAnswer operator()(const Promote& verb);
  [[nodiscard]] SweepAnswer operator()(const Expire& verb);
  [[nodiscard]] SweepAnswer operator()(const Prune& verb);
  [[nodiscard]] AttemptAnswer operator()(const SaveResult& verb);
  [[nodiscard]] AttemptAnswer operator()(const Suspend& verb);
  [[nodiscard]] AttemptAnswer operator()(const CompleteExternal& verb);
  [[nodiscard]] SweepAnswer operator()(const PutDefinitions& verb);
  [[nodiscard]] SweepAnswer operator()(const DeleteDefinition& verb);
  [[nodiscard]] SweepAnswer operator()(const Relane& verb);
  [[nodiscard]] Answer operator()(const SetQueue& verb);
  [[nodiscard]] Answer operator()(const DeleteQueue& verb);
  [[nodiscard]] Answer operator()(const PutSchedule& verb);
  [[nodiscard]] Answer operator()(const DeleteSchedule& verb);
  [[nodiscard]] Answer operator()(const Fire& verb);
  /// Behind every verb: looks at some of the jobs that came after one which the verb has ended.
  void settleAtOnce();

 private:
  // Shared by the verbs: application.cpp.
  [[nodiscard]] bool isOpen(IncarnationID id);
  /// The row that stands at a place of an order. When none can be read that does, the place is set aside and there is
  /// nothing.
  template <class PlaceOrKey>
  [[nodiscard]] std::optional<JobRow> rowAt(const PlaceOrKey& place, JobID id);
  /// Writes the row with its log entry: the only way a job row changes. Gives a closed owner's job to the principal.
  void change(const JobFacts& before, JobRow& after, Move move, IncarnationID actor, std::string note = {});
  /// A change that tells no story: no log entry.
  void touchUp(const JobFacts& before, JobRow& after);
  void writeLog(JobRow& row, JobState before, Move move, IncarnationID actor, std::string note);
  void becomeReady(JobRow& row);
  /// After an attempt that was cut short: the job keeps its place in the order, and with `first` goes one step of
  /// priority ahead, so that what was running when its holder ended runs again before what only waited.
  void becomeReadyAgain(JobRow& row, bool first);
  void becomeDone(JobRow& row, JobOutcome outcome);
  void endAttempt(JobRow& row);
  void voidAttempt(JobRow& row);
  [[nodiscard]] std::int64_t utcOfDeadline(const JobFacts& facts) const;

  // Submitting: submit.cpp.
  struct Placement {
    Verdict verdict = Verdict::ok;
    std::string why;
    IncarnationID owner;
    std::string submitterName;
  };
  [[nodiscard]] Placement placementOf(const Submit& verb);
  /// `before`: the jobs of a list that will have been made by then.
  [[nodiscard]] SubmittedJob judge(const NewJob& job, const std::unordered_set<JobID>& before);
  [[nodiscard]] SubmittedJob insert(const NewJob& job, IncarnationID owner, IncarnationID sender,
                                    const std::string& senderName, bool wantsRow);
  /// With `keysMayStand` a key that stands for another job already is as good as the job that was to be made.
  [[nodiscard]] Submit::Answer submitAll(const Submit& verb, const Placement& placement, bool keysMayStand);

  // Claiming: claim.cpp.
  void claimAgain(const Claim& verb, IncarnationID owner, Claim::Answer& answer);
  /// The first `depth` ready jobs of each queue of the claim's kinds, best first. `cut`: some queue has more.
  [[nodiscard]] std::vector<std::pair<ReadyKey, JobID>> headsOfQueues(const Claim& verb, IncarnationID owner,
                                                                      std::size_t depth, bool& cut);
  void handOutReady(const Claim& verb, const IncarnationRow& claimer, Claim::Answer& answer);
  /// The same of a kind with lanes, of which only open ones count.
  void headsOfLanes(const DefinitionRow& definition, IncarnationID owner, std::size_t depth, bool& cut,
                    std::vector<std::pair<ReadyKey, JobID>>& heads);
  /// Of the first queue from `fromQueue` on that has any.
  [[nodiscard]] std::vector<OpenLaneKey> firstOpenLanes(IncarnationID owner, const std::string& kind,
                                                        const std::string& fromQueue, std::size_t limit);
  enum class HandOut : std::uint8_t { done, unreadable, tooNew, blocked, throttled };
  [[nodiscard]] HandOut handOut(const Claim& verb, const IncarnationRow& claimer, JobRow& row, Claim::Answer& answer);
  /// Takes a token of the kind's rate, if there is one left. Else `nextDueAt` is at the latest when the next one comes.
  [[nodiscard]] bool takeToken(const DefinitionRow& definition, std::int64_t& nextDueAt);
  /// Makes ready what has nothing more to wait for: of all owners what came after jobs that have ended, then what is
  /// due of this one.
  std::uint32_t promote(IncarnationID owner, std::uint32_t limit, bool& more);
  std::uint32_t promoteDue(IncarnationID owner, std::uint32_t limit, bool& more);

  // Attempts: attempt.cpp.
  struct Attempt {
    AttemptAnswer answer;  ///< verdict ok when the attempt is valid
    std::optional<JobRow> row;
  };
  [[nodiscard]] Attempt find(const AttemptRef& ref, std::optional<Move> ownEnd);
  [[nodiscard]] bool isExpired(const JobFacts& facts) const;
  [[nodiscard]] static AttemptAnswer answerOf(const JobFacts& facts, Verdict verdict = Verdict::ok,
                                              std::string why = {});
  /// With the row, where the sender wants it.
  [[nodiscard]] static AttemptAnswer answerOf(const JobRow& row, bool wantsRow);
  void setDeadline(JobRow& row, std::int64_t limitMicros);
  /// A sign of life gives a running attempt its whole time again: a remote one, and where the limit is its
  /// definition's. A limit of the job itself is one for the whole attempt.
  void lengthen(JobRow& row);
  /// How long the attempt that a row shows may take from now on; 0: no limit.
  [[nodiscard]] std::int64_t limitOf(const JobRow& row);
  [[nodiscard]] static AttemptAnswer noSuchJob(JobID id);
  /// Ends an attempt as a transfer or a cancel where one was asked for; nothing when neither was.
  [[nodiscard]] std::optional<Move> overruled(const JobFacts& before, JobRow& row, bool succeeded);
  /// Makes the jobs that follow on an end, before the first write of its verb: an answer when the jobs cannot be made,
  /// and nothing has changed then.
  [[nodiscard]] std::optional<AttemptAnswer> makeFollowing(const JobFacts& before, IncarnationID sender,
                                                           const std::vector<NewJob>& then);
  /// A failure or deadline: back-off or final.
  Move failOrRetry(JobRow& row, bool retryable, Move finalMove, std::uint32_t random,
                   std::int64_t leastDelayMicros = 0);

  // Lanes: lanes.cpp.
  using LanePlace = std::pair<IncarnationID, std::string>;  ///< an owner and a queue in which a kind's jobs are ready
  /// Where a job's row moves, its lane's count and its place among the open lanes move with it. To be made before the
  /// row is written and settled behind it. Does nothing for jobs without a lane.
  class LaneMove;
  [[nodiscard]] std::optional<OpenLaneKey> headOfLane(IncarnationID owner, const std::string& kind,
                                                      const std::string& queue, std::uint64_t lane);
  [[nodiscard]] bool isLaneOpen(const std::string& kind, std::uint64_t lane);
  void forEachPlace(const std::string& kind, const std::function<void(const LanePlace&)>& visit);
  /// Puts what is the lane's first job now into the place of what was.
  void replaceHead(const std::optional<OpenLaneKey>& before, const std::optional<OpenLaneKey>& now);
  void setAside(const PlaceKey& place, JobID id);
  /// That a job which becomes ready stands in, by its kind's definition.
  [[nodiscard]] std::uint64_t laneOfReady(const JobRow& row, const JobBody* body);
  void countLane(const std::string& kind, std::uint64_t lane, int difference);

  // Definitions: definitions.cpp.
  void replaceDefinition(DefinitionRow after, SweepAnswer& answer);
  void relane(DefinitionRow row, std::uint32_t limit, SweepAnswer& answer);
  /// Wakes whoever has ready jobs of the kind.
  void touchPlaces(const std::string& kind);
  void closeLanes(DefinitionRow& row, std::uint32_t limit, SweepAnswer& answer);
  void relaneRunning(DefinitionRow& row, std::uint32_t limit, SweepAnswer& answer);
  void relaneReady(DefinitionRow& row, std::uint32_t limit, SweepAnswer& answer);
  /// After a job whose row could not be trusted was erased: counts all lanes anew and has all opened anew.
  void recountLanes();

  // Queues: queues.cpp.
  /// Where a job's row came to run or ended, its queue's count follows.
  void countInQueue(const JobFacts& before, const JobRow& after);
  /// From the rows.
  void recountQueues();
  /// Wakes whoever has ready jobs in the queue.
  void touchQueue(const std::string& queue);

  // Jobs that run after others: dependencies.cpp.
  [[nodiscard]] std::optional<JobID> missingPrerequisite(const NewJob& job, const std::unordered_set<JobID>& before);
  /// Has a job that was made wait for its prerequisites.
  void await(JobID id, const std::vector<Prerequisite>& after);
  /// A job has ended or is gone: what came after it is to be looked at.
  void noteEnd(JobID id);
  void leavePrerequisites(JobID id);
  [[nodiscard]] bool hasDependents(JobID id);
  /// The jobs at one stage behind one prerequisite.
  [[nodiscard]] std::vector<JobID> dependentsOf(JobID prerequisite, DependencyKey::Stage stage, std::size_t limit);
  std::uint32_t settleDependents(std::uint32_t limit, bool& more);
  void settle(JobID prerequisite, JobID dependent);
  enum class Standing : std::uint8_t { open, holds, broken };
  /// What has become of a prerequisite; `why` is filled in when it can hold no more.
  [[nodiscard]] Standing standingOf(const Prerequisite& one, std::string& why);

  // Schedules: schedules.cpp.
  /// Makes the job of one firing, or notes why there is none.
  void fire(const Schedule& settings, ScheduleRow& row, std::int64_t instant, IncarnationID sender, bool queuesUp);
  /// Leaves only those that have not ended among the jobs that a schedule has open.
  void dropEnded(ScheduleRow& row);
  void cancelUnstarted(const ScheduleRow& row);
  /// A job of a schedule was submitted by hand: the schedule has it open.
  void joinSchedule(const NewJob& job);
  void leaveSchedule(JobID id, const JobBody& body);

  // Steps: steps.cpp.
  /// Stores what is known of a step now, in place of what was known before. The job's row counts it.
  void keepStep(JobRow& row, const MemoRow& memo, bool isNew);
  /// The same with a result that has just come.
  void putStep(JobRow& row, MemoRow memo, bool isNew);
  /// Nothing, too, when its bytes do not check.
  [[nodiscard]] std::optional<MemoRow> readableMemo(JobID id, Fingerprint memo);
  /// The job has succeeded: what its steps gave is needed no more, what they were is.
  void clearMemoValues(JobRow& row);
  /// What a job left that has ended ends the wait that it answers.
  void answerWait(const JobRow& ended);
  /// A job that does another one again begins with what that one's steps gave.
  void inheritMemos(JobRow& row, JobID from);

  // Adoption: adopt.cpp.
  using Place = std::pair<PlaceKey, JobID>;
  [[nodiscard]] std::vector<Place> leftovers(IncarnationID closed, std::uint32_t limit, bool& more);
  void endHolder(JobRow& row, const IncarnationRow& closed, IncarnationID actor, std::uint32_t random);

  // Sweeps: sweep.cpp.
  [[nodiscard]] std::vector<DeadlineKey> passedDeadlines(std::uint32_t limit, bool& more);
  void expire(JobRow& row, std::uint32_t random);
  /// Removes a done job and what its key still says of it. False when it had to be set aside instead.
  bool remove(const JobRow& row);

  const Moment& now_;
  Rows& rows_;
  Effects& effects_;
  bool isSettling_ = false;  ///< a job has ended that others wait for
};

}  // namespace v1
}  // namespace callsheet
