#include "callsheet/job_director.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <thread>

#include "callsheet/job_environment.h"
#include "core/crash_point.h"
#include "core/fork_generation.h"
#include "core/json_payload.h"
#include "core/names.h"
#include "core/once_per_sentence.h"
#include "director/checked_options.h"
#include "director/completion_watch.h"
#include "director/director_life.h"
#include "director/stopped_writer_watch.h"
#include "director/submitting.h"
#include "director/subscription.h"
#include "jobs/queue_runner.h"
#include "jobs/shim_environment.h"

namespace callsheet {
inline namespace v1 {

namespace {
using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

// Between the tries to begin anew: the first, and the longest.
constexpr milliseconds renewalDelay{100};
constexpr milliseconds renewalDelayMax{10'000};
}  // namespace

/// Wires the parts together and guards the order in which they begin and end. Public methods on any thread.
class JobDirector::Implementation {
 public:
  Implementation(JobDirector& self, const JobDirectorID& id, const std::string& location, JobDirectorMode mode,
                 JobTypes types, JobDirectorOptions options)
      : self_(self),
        name_(id.name()),
        mode_(std::move(mode)),
        types_(std::move(types)),
        options_(checked(std::move(options))),
        access_(StoreAccess::open(location, id.name(),
                                  {.create = true,
                                   .mapBytes = options_.mapBytes,
                                   .allowForeignFilesystem = options_.allowForeignFilesystem,
                                   .mayBeKilledAsWriter = options_.mayBeKilledAsWriter,
                                   .writerLimit = options_.writerLimit,
                                   .lookForStoppedWriters = {}})),
        board_(Board::openIfPossible(access_->directory())),
        completions_(access_->store(), loop_, access_->directory()),
        stoppedWriters_(board_, options_.writerLimit, Sweeps::period, options_.log),
        troubles_(options_.log) {}

  ~Implementation() {
    stop(std::chrono::seconds{10});
    loop_.stop();
  }

  void start();
  StopReport stop(std::chrono::milliseconds grace);
  [[nodiscard]] bool isRunning() const { return isRunning_ || isRenewing_; }
  [[nodiscard]] JobDirectorHealth health() const;
  /// In a forked child: none of its threads is there, and its mutexes may be locked for ever.
  [[nodiscard]] bool isInherited() const { return forkGeneration_ != forkGeneration(); }

  std::vector<Submission> submit(std::string_view kind, std::vector<std::string> parameters,
                                 const SubmitOptions& options, bool allOrNothing);
  std::optional<JobStatus> status(JobID id) const;
  std::optional<JobStatus> wait(JobID id, std::chrono::milliseconds timeout);
  bool cancel(JobID id, std::string_view why) {
    return isAccepted(access_->store().apply(Cancel{id, std::string(why)}).verdict);
  }
  bool complete(const ExternalJobKey& key, std::string value, JobFailure failure) {
    const CompleteExternal verb{key.job, key.wait, std::move(value), std::move(failure)};
    return key.director == name_ && isAccepted(access_->store().applySurely(verb).verdict);
  }
  [[nodiscard]] JobInjections& injections() { return injections_; }
  [[nodiscard]] const JobTypes& types() const { return types_; }
  [[nodiscard]] const JobDirectorMode& mode() const { return mode_; }
  [[nodiscard]] IncarnationID incarnation() const {
    const std::lock_guard lock(incarnationMutex_);
    return incarnation_;
  }

 private:
  [[nodiscard]] std::unique_ptr<DirectorLife> newLife();
  [[nodiscard]] bool runsTransfers() const {
    return options_.runsJobs && options_.runsCommands && !options_.program.empty();
  }
  void openLife();
  void tick();
  void lookForStoppedWriters();
  /// Looks for them while there is no tick that does.
  [[nodiscard]] Timer lookMeanwhile();
  void lookAtOwnRow();
  void renew(IncarnationID fenced);
  void beginAnew();
  [[nodiscard]] bool tryToBegin();
  [[nodiscard]] bool waitsForNextTry(milliseconds delay);
  void awaitRenewal(IncarnationID fenced);
  void say(LogLevel level, const std::string& sentence) const {
    if (options_.log) options_.log(level, sentence);
  }
  void setIncarnation(IncarnationID incarnation) {
    const std::lock_guard lock(incarnationMutex_);
    incarnation_ = incarnation;
    renewed_.notify_all();
  }

  const std::uint64_t forkGeneration_ = forkGeneration();
  JobDirector& self_;
  const std::string name_;  // of its id
  const JobDirectorMode mode_;
  const JobTypes types_;
  const JobDirectorOptions options_;
  JobInjections injections_;
  const std::shared_ptr<StoreAccess> access_;
  const SystemClock clock_;
  EventLoop loop_;
  Board board_;
  CompletionWatch completions_;
  StoppedWriterWatch stoppedWriters_;
  OncePerSentence troubles_;

  std::mutex lifeMutex_;  // start, stop and renewal exclude each other
  // Guarded by lifeMutex_, but for the tick, which ends before they do.
  bool wasStarted_ = false;
  bool wasStopped_ = false;
  std::unique_ptr<DirectorLife> life_;
  std::unique_ptr<QueueRunner> runner_;
  Subscription subscription_;
  Timer tick_;
  std::thread renewal_;
  std::uint64_t closuresSeen_ = 0;  // the loop's thread only
  StopReport report_;

  mutable std::mutex incarnationMutex_;
  std::condition_variable renewed_;
  IncarnationID incarnation_;  // guarded by incarnationMutex_
  bool isStopAsked_ = false;   // guarded by incarnationMutex_; ends the wait for the next try to begin anew
  std::atomic<SteadyClock::time_point> lastTick_{SteadyClock::time_point{}};
  std::atomic<bool> isRunning_{false};   // has a life in which it may submit and claim
  std::atomic<bool> isRenewing_{false};  // was fenced and is about to begin anew
};

std::unique_ptr<DirectorLife> JobDirector::Implementation::newLife() {
  auto kinds = runner_ ? runner_->kinds() : std::vector<std::string>{};
  return std::make_unique<DirectorLife>(DirectorLife::Place{*access_, loop_, board_, mode_, options_, std::move(kinds)},
                                        [this] {
                                          if (runner_) runner_->wake();
                                        });
}

/// A life begins: registered, heard, claiming.
void JobDirector::Implementation::openLife() {
  // Registering waits for a commit, and a principal that holds its lock already is the one whom all others count on.
  const Timer writers = lookMeanwhile();
  life_ = newLife();
  setIncarnation(life_->incarnation());
  life_->begin();
  if (runner_) runner_->begin(life_->incarnation());
  lastTick_ = SteadyClock::now();
  tick_ = loop_.makeTimer([this] { tick(); });
  tick_.every(Sweeps::period);
}

void JobDirector::Implementation::start() {
  const std::lock_guard lock(lifeMutex_);
  if (wasStopped_) throw Error(ErrorKind::usage, "a director that was stopped does not start again; make a new one");
  if (wasStarted_) return;
  loop_.start();
  if (options_.runsJobs) {
    QueueRunner::Options options{
        options_.workers,
        options_.waiting,
        mode_.isPrincipal(),
        name_,
        options_.transferGrace,
        options_.log,
        options_.runsCommands ? std::make_shared<ShimEnvironment>(access_->directory()) : nullptr,
        options_.program,
        options_.scripts,
        options_.transfers,
        [this](IncarnationID fenced) { renew(fenced); }};
    runner_ = std::make_unique<QueueRunner>(access_->store(), clock_, loop_, types_, self_, std::move(options));
    subscription_ = Subscription(access_->store(), [this](const Effects& effects) {
      const auto concerns = [&, self = incarnation()](IncarnationID owner) {
        return owner == self || (owner == principalOwner && mode_.servesPrincipalsQueue());
      };
      if (std::any_of(effects.owners.begin(), effects.owners.end(), concerns)) runner_->wake();
    });
  }
  try {
    openLife();
  } catch (...) {
    subscription_ = Subscription{};
    runner_.reset();
    life_.reset();
    throw;
  }
  wasStarted_ = true;
  isRunning_ = true;
  say(LogLevel::info, std::string(mode_.role()) + (mode_.isPrincipal() ? "" : " " + mode_.name()) + " of " +
                          access_->directory().dataPath() + " started as " + incarnation().toString());
}

void JobDirector::Implementation::tick() {
  lastTick_ = SteadyClock::now();
  life_->tick();
  if (runner_) runner_->tick();
  troubles_.guard("looking at this director's own row", [this] { lookAtOwnRow(); });
  lookForStoppedWriters();
}

void JobDirector::Implementation::lookForStoppedWriters() {
  troubles_.guard("looking for stopped writers", [this] {
    // A living principal answers for everybody; when it is itself the one that stands still, its supervisor does.
    if (mode_.isPrincipal() || !PrincipalLock::holder(access_->directory())) stoppedWriters_.tick(mode_.isPrincipal());
  });
}

Timer JobDirector::Implementation::lookMeanwhile() {
  Timer timer = loop_.makeTimer([this] { lookForStoppedWriters(); });
  timer.every(Sweeps::period);
  return timer;
}

JobDirectorHealth JobDirector::Implementation::health() const {
  JobDirectorHealth health;
  if (!isRunning()) return health;
  health.sinceTick = std::chrono::duration_cast<milliseconds>(SteadyClock::now() - lastTick_.load());
  if (runner_) health.oldestCommit = runner_->commitAge();
  return health;
}

/// A director whose workers are all busy claims nothing, so no answer tells it that it was fenced.
void JobDirector::Implementation::lookAtOwnRow() {
  const std::uint64_t closures = access_->store().totals().closures;
  if (closures == closuresSeen_) return;
  const IncarnationID self = incarnation();
  const auto rows = access_->store().incarnations();
  // No row counts as closed: retention may have removed it while this director stood still.
  if (std::none_of(rows.begin(), rows.end(), [&](const auto& row) { return row.id == self && row.isOpen(); }))
    return renew(self);
  closuresSeen_ = closures;
}

/// Somebody fenced this director while it stood still. It begins a new life; what it was running is void, what it had
/// submitted is durable. Comes on the loop's, the store's or a submitter's thread, which must not wait for themselves.
void JobDirector::Implementation::renew(IncarnationID fenced) {
  {
    const std::lock_guard lock(incarnationMutex_);
    if (incarnation_ != fenced || !isRunning_) return;
    // Before the next, so that nobody sees it stopped; and again when the earlier one has said it is over.
    isRenewing_ = true;
    isRunning_ = false;
    if (renewal_.joinable()) renewal_.join();  // an earlier one, which has done its work
    isRenewing_ = true;
    renewal_ = std::thread([this] {
      const std::lock_guard life(lifeMutex_);
      if (!wasStopped_) beginAnew();
      isRenewing_ = false;
    });
  }
  // Not under the lock: the sink is the user's.
  say(LogLevel::warning, "this director was fenced; its jobs go on elsewhere, and it begins anew");
}

void JobDirector::Implementation::beginAnew() {
  tick_ = Timer{};
  life_->abandon();
  life_.reset();
  crashPoint("renew.abandoned");
  milliseconds delay = renewalDelay;
  while (!tryToBegin() && waitsForNextTry(delay)) delay = std::min(2 * delay, renewalDelayMax);
}

/// Whether that is settled: it runs, or somebody else has its role. Anything else may pass.
bool JobDirector::Implementation::tryToBegin() {
  try {
    openLife();
    isRunning_ = true;
    return true;
  } catch (const std::exception& error) {
    tick_ = Timer{};
    if (life_) life_->abandon();
    life_.reset();
    const auto* known = dynamic_cast<const Error*>(&error);
    if (known != nullptr && known->kind() == ErrorKind::conflict) {
      setIncarnation({});
      say(LogLevel::error, std::string("this director cannot begin anew and stops: ") + error.what());
      return true;
    }
    troubles_.say(LogLevel::warning,
                  std::string("this director cannot begin anew yet and tries again: ") + error.what());
    return false;
  }
}

/// False when stop() came meanwhile.
bool JobDirector::Implementation::waitsForNextTry(milliseconds delay) {
  std::unique_lock lock(incarnationMutex_);
  return !renewed_.wait_for(lock, delay, [this] { return isStopAsked_; });
}

/// Until the new life has begun, or it is certain that none will.
void JobDirector::Implementation::awaitRenewal(IncarnationID fenced) {
  renew(fenced);
  std::unique_lock lock(incarnationMutex_);
  renewed_.wait_for(lock, JobStore::defaultPatience, [&] { return incarnation_ != fenced; });
}

StopReport JobDirector::Implementation::stop(std::chrono::milliseconds grace) {
  std::thread renewal;
  {
    const std::lock_guard lock(incarnationMutex_);
    isStopAsked_ = true;
    renewed_.notify_all();
    renewal = std::move(renewal_);
  }
  if (renewal.joinable()) renewal.join();
  const std::lock_guard lock(lifeMutex_);
  if (wasStopped_ || !wasStarted_) {
    wasStopped_ = true;
    return report_;
  }
  wasStopped_ = true;
  isRunning_ = false;
  if (runner_) {
    QueueRunner::Left left = runner_->drain(grace);
    report_ = {left.names.size(), std::move(left.names), left.commands};
  }
  tick_ = Timer{};
  const Timer writers = lookMeanwhile();  // closing waits for a commit as well
  if (life_) life_->close();
  subscription_ = Subscription{};
  setIncarnation({});
  say(LogLevel::info, "stopped; " + std::to_string(report_.leftRunning) + " jobs ignored that and were given back, " +
                          std::to_string(report_.commandsRunning) + " commands go on without it");
  return report_;
}

std::vector<Submission> JobDirector::Implementation::submit(std::string_view kind, std::vector<std::string> parameters,
                                                            const SubmitOptions& options, bool allOrNothing) {
  const JobTypes::Type* type = types_.find(kind);
  Submit verb =
      submitOf(kind, type != nullptr ? type->version : 1, std::move(parameters), options, allOrNothing, name_);
  Submit::Answer answer;
  // The ids are made, so repeating is safe: after a fence under the new incarnation, after a lost answer under the
  // same.
  for (int tries = 0; tries < 3; ++tries) {
    // What nobody runs here is the principal's from the start.
    if (!isTransferKind(kind) || runsTransfers()) verb.sender = incarnation();
    answer = access_->store().apply(verb);
    const bool isAgain = answer.verdict == Verdict::unknown || answer.verdict == Verdict::fenced;
    if (!isAgain) break;
    if (answer.verdict == Verdict::fenced) awaitRenewal(verb.sender);
  }
  crashPoint("submit.answered");
  return submissionsOf(verb, answer);
}

std::optional<JobStatus> JobDirector::Implementation::status(JobID id) const {
  const auto view = access_->store().find(id);
  if (!view) return std::nullopt;
  return statusOf(*view, access_->store().incarnations());
}

std::optional<JobStatus> JobDirector::Implementation::wait(JobID id, std::chrono::milliseconds timeout) {
  if (!completions_.wait(id, timeout)) return std::nullopt;
  return status(id);
}

JobDirector::JobDirector(JobDirectorID id, const std::string& location, JobDirectorMode mode, JobTypes types,
                         JobDirectorOptions options)
    : implementation_(std::make_unique<Implementation>(*this, id, location, std::move(mode), std::move(types),
                                                       std::move(options))) {}
JobDirector::~JobDirector() {
  // What was inherited can only be left alone: its destructor would wait for threads that are not here.
  if (implementation_->isInherited()) static_cast<void>(implementation_.release());
}

void JobDirector::start() {
  implementation_->start();
}
StopReport JobDirector::stop(std::chrono::milliseconds grace) {
  return implementation_->stop(grace);
}
bool JobDirector::isRunning() const {
  return implementation_->isRunning();
}
JobDirectorHealth JobDirector::health() const {
  return implementation_->health();
}

Submission JobDirector::submitJson(std::string_view kind, std::string parameters, const SubmitOptions& options) {
  std::vector<std::string> one;
  one.push_back(std::move(parameters));
  return std::move(submitAllJson(kind, std::move(one), options).front());
}

std::vector<Submission> JobDirector::submitAllJson(std::string_view kind, std::vector<std::string> parameters,
                                                   const SubmitOptions& options, bool allOrNothing) {
  for (const auto& one : parameters) validateJson(one, limits::payloadBytesMax);
  return implementation_->submit(kind, std::move(parameters), options, allOrNothing);
}

std::optional<JobStatus> JobDirector::status(JobID id) const {
  return implementation_->status(id);
}
std::optional<JobStatus> JobDirector::wait(JobID id, std::chrono::milliseconds timeout) {
  return implementation_->wait(id, timeout);
}
bool JobDirector::cancel(JobID id, std::string_view why) {
  return implementation_->cancel(id, why);
}
bool JobDirector::completeJson(const ExternalJobKey& key, std::string value) {
  validateJson(value, limits::payloadBytesMax);
  return implementation_->complete(key, std::move(value), {});
}
bool JobDirector::fail(const ExternalJobKey& key, JobFailure failure) {
  if (failure.type.empty()) failure.type = "error";
  return implementation_->complete(key, {}, std::move(failure));
}
JobInjections& JobDirector::injections() {
  return implementation_->injections();
}
void JobDirector::transferToPrincipal() {
  JobContext& context = detail::requireJobContext();
  if (&context.director() != this) throw Error(ErrorKind::usage, "the job on this thread is run by another director");
  context.transferToPrincipal();
}
const JobTypes& JobDirector::types() const {
  return implementation_->types();
}
const JobDirectorMode& JobDirector::mode() const {
  return implementation_->mode();
}
IncarnationID JobDirector::incarnation() const {
  return implementation_->incarnation();
}

}  // namespace v1
}  // namespace callsheet
