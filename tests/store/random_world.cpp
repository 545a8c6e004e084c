#include "tests/store/random_world.h"

#include <algorithm>

namespace callsheet::tests {

namespace {
template <class Value>
void remember(std::vector<Value>& memory, Value value, std::size_t most) {
  memory.push_back(std::move(value));
  if (memory.size() > 2 * most) memory.erase(memory.begin(), memory.end() - static_cast<std::ptrdiff_t>(most));
}
}  // namespace

// Ids grow, as real ones do, and repeat for a seed.
Uuid RandomWorld::id() {
  static constexpr int randomFrom = 6;
  Uuid uuid;
  const std::uint64_t millis = static_cast<std::uint64_t>(clock_.now().utcMicros / 1000);
  for (int i = 0; i < randomFrom; ++i)
    uuid.bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(millis >> (40 - 8 * i));
  for (std::size_t i = randomFrom; i < 16; ++i) uuid.bytes[i] = static_cast<std::uint8_t>(dice_.bits());
  return uuid;
}

RandomWorld::Director* RandomWorld::directorOf(IncarnationID id) {
  const auto found =
      std::find_if(directors_.begin(), directors_.end(), [&](const Director& director) { return director.id == id; });
  return found == directors_.end() ? nullptr : &*found;
}

IncarnationID RandomWorld::anyDirector() {
  if (directors_.empty() || dice_.oneIn(40)) return IncarnationID{id()};
  if (!closed_.empty() && dice_.oneIn(12)) return dice_.pick(closed_);
  return dice_.pick(directors_).id;
}

bool RandomWorld::mayRepeat(JobID job) const {
  const auto born = born_.find(job);
  return born != born_.end() && clock_.now().utcMicros - born->second < hour;
}

JobID RandomWorld::recentJob() {
  const auto among = std::min<std::uint32_t>(10, static_cast<std::uint32_t>(jobs_.size()));
  return jobs_[jobs_.size() - 1 - dice_.roll(among)];
}

NewJob RandomWorld::anyJob() {
  NewJob job = newJob(anyKind());
  job.id = JobID{id()};
  born_[job.id] = clock_.now().utcMicros;
  job.queue = dice_.oneIn(3) ? "other" : "default";
  job.priority = dice_.oneIn(4) ? static_cast<std::int32_t>(dice_.roll(21)) - 10 : 0;
  if (dice_.oneIn(20)) job.priority = 5000;  // refused by the validator
  job.runner = dice_.oneIn(8) ? Runner::remote : runnerOf(job.kind);
  if (dice_.oneIn(4)) job.delayMicros = dice_.roll(100) * second;
  if (dice_.oneIn(3)) {
    job.body.key = anyKey();
    if (!dice_.oneIn(3)) job.keyWindowMicros = dice_.oneIn(2) ? dice_.roll(7200) * second : 0;
  }
  if (dice_.oneIn(3)) job.body.attemptLimitMicros = (1 + dice_.roll(60)) * second;
  job.body.retry.maxAttempts = 1 + dice_.roll(4);
  job.body.retry.jitter = 0.3;
  job.body.parameters =
      R"({"n":)" + std::to_string(dice_.roll(1000)) + R"(,"g":)" + std::to_string(dice_.roll(3)) + "}";
  if (!jobs_.empty() && dice_.oneIn(4)) {
    for (std::uint32_t i = 1 + dice_.roll(3); i > 0; --i) {
      const JobID first = dice_.oneIn(20) ? JobID{id()} : dice_.oneIn(3) ? dice_.pick(jobs_) : recentJob();
      job.body.after.push_back(
          {first, static_cast<EndCondition>(dice_.roll(3))});  // perhaps one twice, which is refused
    }
  }
  if (!jobs_.empty() && dice_.oneIn(4)) {
    job.body.parent = recentJob();
    job.body.answers = fingerprint(static_cast<std::uint16_t>(dice_.roll(4)));
  }
  if (!jobs_.empty() && dice_.oneIn(5)) job.body.retryOf = dice_.oneIn(4) ? dice_.pick(jobs_) : anyAttempt().job;
  return job;
}

AttemptRef RandomWorld::anyAttempt() {
  if (attempts_.empty()) return {JobID{id()}, ExecID{id()}, anyDirector()};
  const bool late = dice_.oneIn(5);
  const std::size_t recent = std::min<std::size_t>(attempts_.size(), late ? attempts_.size() : 40);
  AttemptRef ref = attempts_[attempts_.size() - 1 - dice_.roll(static_cast<std::uint32_t>(recent))];
  if (dice_.oneIn(25)) ref.exec = ExecID{id()};
  if (dice_.oneIn(40)) ref.exec = ExecID{};
  if (dice_.oneIn(30)) ref.sender = anyDirector();
  if (dice_.oneIn(30)) ref.sender = IncarnationID{};
  if (!jobs_.empty() && dice_.oneIn(50)) ref.job = dice_.pick(jobs_);
  return ref;
}

Verb RandomWorld::registering() {
  RegisterIncarnation verb;
  verb.id = IncarnationID{id()};
  verb.role = static_cast<Role>(dice_.roll(3));
  if (verb.role != Role::principal) verb.name = "name-" + std::to_string(dice_.roll(4));
  for (std::uint32_t i = 0; i < 3; ++i)
    if (!dice_.oneIn(4)) verb.kinds.push_back(kindOf(i));
  if (dice_.oneIn(3)) {
    verb.expectedFormer = verb.role == Role::principal ? principal_ : anyDirector();
    for (const Director& director : directors_)
      if (director.role == verb.role && director.name == verb.name) verb.expectedFormer = director.id;
  }
  return verb;
}

Verb RandomWorld::closing() {
  const IncarnationID which = anyDirector();
  return CloseIncarnation{which, static_cast<Closing>(1 + dice_.roll(3)), dice_.oneIn(3) ? anyDirector() : principal_};
}

Verb RandomWorld::adopting() {
  const IncarnationID which = closed_.empty() || dice_.oneIn(10) ? anyDirector() : dice_.pick(closed_);
  return Adopt{which, dice_.oneIn(10) ? anyDirector() : principal_, 1 + dice_.roll(dice_.oneIn(2) ? 5 : 1000),
               static_cast<std::uint32_t>(dice_.bits())};
}

Verb RandomWorld::submitting() {
  Submit submit;
  if (!dice_.oneIn(3)) submit.sender = anyDirector();
  if (dice_.oneIn(6)) submit.ownerName = "name-" + std::to_string(dice_.roll(5));
  submit.allOrNothing = dice_.oneIn(3);
  const std::uint32_t count = dice_.oneIn(5) ? 1 + dice_.roll(6) : 1;
  for (std::uint32_t i = 0; i < count; ++i) submit.jobs.push_back(anyJob());
  if (!jobs_.empty() && dice_.oneIn(30))
    if (const JobID known = dice_.pick(jobs_); mayRepeat(known)) submit.jobs.back().id = known;
  for (const auto& job : submit.jobs) remember(jobs_, job.id, 400);
  return submit;
}

Verb RandomWorld::claiming() {
  Claim claim;
  claim.id.value = id();
  for (std::size_t i = 12; i < 16; ++i) claim.id.value.bytes[i] = 0;
  claim.claimer = anyDirector();
  for (std::uint32_t i = 0; i < 3; ++i)
    if (!dice_.oneIn(3)) claim.kinds.push_back(kindOf(i));
  if (!claim.kinds.empty() && dice_.oneIn(10)) claim.kinds.push_back(claim.kinds.front());
  claim.max = 1 + dice_.roll(dice_.oneIn(3) ? 20 : 3);
  claim.start = !dice_.oneIn(4);
  claim.idle = dice_.oneIn(2);
  claim.remote = dice_.oneIn(10);
  if (dice_.oneIn(3)) claim.startLimitMicros = (1 + dice_.roll(30)) * second;
  if (Director* director = directorOf(claim.claimer)) {
    // A claimer repeats its latest claim or makes a new one; an older one it must not repeat.
    if (director->lastClaim && dice_.oneIn(8)) return *director->lastClaim;
    director->lastClaim = claim;
  }
  return claim;
}

Verb RandomWorld::scheduling() {
  if (dice_.oneIn(12)) return DeleteSchedule{"never-made", 0, dice_.oneIn(2)};
  const std::string name = "schedule-" + std::to_string(dice_.roll(4));
  const auto known = schedules_.find(name);
  if (const auto last = lastPuts_.find(name); last != lastPuts_.end() && dice_.oneIn(8)) return last->second;
  if (known != schedules_.end() && !dice_.oneIn(4)) return firing(name);
  if (dice_.oneIn(8)) return DeleteSchedule{name, dice_.oneIn(2) ? 0 : dice_.roll(5), dice_.oneIn(2)};
  Schedule schedule;
  schedule.name = name;
  schedule.spec = "each minute";
  const std::int64_t now = clock_.now().utcMicros;
  schedule.timing = IntervalTiming{now, minute, dice_.oneIn(3) ? now + dice_.roll(100) * minute + second : never};
  schedule.overlap = static_cast<Overlap>(dice_.roll(3));
  schedule.policy.missed = static_cast<MissedRuns>(dice_.roll(3));
  if (dice_.oneIn(3)) schedule.jitterMicros = dice_.roll(100) * second;
  schedule.job = newJob(anyKind());
  schedule.job.id = {};
  PutSchedule put;
  put.schedule = std::make_shared<const Schedule>(std::move(schedule));
  put.change = id();
  put.generation = known == schedules_.end() || dice_.oneIn(5) ? id() : known->second.generation;
  put.revision = known == schedules_.end() ? 0 : known->second.revision;
  if (dice_.oneIn(6)) put.revision = dice_.roll(5);
  put.isPaused = dice_.oneIn(4);
  put.cursor = dice_.oneIn(4) ? now - dice_.roll(100) * second : now;
  put.next = dice_.oneIn(5) ? never : put.cursor + 1 + dice_.roll(100) * second;
  put.cancelsUnstarted = dice_.oneIn(3);
  lastPuts_[name] = put;
  return put;
}

Verb RandomWorld::firing(const std::string& name) {
  const KnownSchedule& known = schedules_.at(name);
  Fire fire;
  fire.sender = dice_.oneIn(10) ? anyDirector() : principal_;
  fire.schedule = name;
  fire.generation = dice_.oneIn(15) ? id() : known.generation;
  fire.revision = dice_.oneIn(10) ? dice_.roll(8) : known.revision;
  fire.cursor = dice_.oneIn(10) ? clock_.now().utcMicros - hour : known.cursor;
  for (std::uint32_t i = dice_.roll(4); i > 0; --i) {
    fire.cursor += 1 + dice_.roll(60) * second;
    fire.instants.push_back(fire.cursor);
  }
  if (dice_.oneIn(3)) {
    fire.passedOver = 1 + dice_.roll(9);
    fire.passedOverAt = fire.cursor;
  }
  fire.next = dice_.oneIn(6) ? never : fire.cursor + 1 + dice_.roll(60) * second;
  for (const std::int64_t instant : fire.instants) remember(jobs_, occurrenceID(name, fire.generation, instant), 400);
  return fire;
}

std::optional<std::string> RandomWorld::learnSchedule(const Verb& verb) {
  if (const auto* put = std::get_if<PutSchedule>(&verb))
    schedules_[put->schedule->name] = {put->generation, put->revision + 1, put->cursor};
  if (const auto* gone = std::get_if<DeleteSchedule>(&verb)) {
    const Uuid generation = schedules_[gone->name].generation;  // a repeat may bring it back
    std::erase_if(fired_, [&](const auto& one) { return one.first == generation; });
    schedules_.erase(gone->name);
  }
  const auto* fire = std::get_if<Fire>(&verb);
  if (fire == nullptr) return std::nullopt;
  schedules_[fire->schedule] = {fire->generation, fire->revision + 1, fire->cursor};
  for (const std::int64_t instant : fire->instants)
    if (!fired_.emplace(fire->generation, instant).second) return "an instant of " + fire->schedule + " fired twice";
  return std::nullopt;
}

Verb RandomWorld::settingQueue() {
  const std::string name = dice_.oneIn(10) ? "unused" : dice_.oneIn(2) ? "other" : "default";
  if (dice_.oneIn(3)) return DeleteQueue{name};
  SetQueue set{name, {}, {}, dice_.oneIn(4)};
  if (dice_.oneIn(2)) set.parallel = dice_.roll(8);
  if (dice_.oneIn(3)) set.isPaused = dice_.oneIn(3);
  return set;
}

Verb RandomWorld::defining() {
  const std::string kind = kindOf(dice_.roll(4));
  if (dice_.oneIn(3)) return DeleteDefinition{kind};
  if (dice_.oneIn(3)) return Relane{1 + dice_.roll(dice_.oneIn(2) ? 5 : 1000)};
  if (!lastDefinitions_.definitions.empty() && dice_.oneIn(5)) return lastDefinitions_;
  PutDefinitions put{{definitionOf(kind)}};
  if (dice_.oneIn(4)) put.definitions.push_back(definitionOf(kindOf(dice_.roll(4))));  // perhaps the same
  lastDefinitions_ = put;
  return put;
}

Definition RandomWorld::definitionOf(const std::string& kind) {
  Definition definition;
  definition.kind = kind;
  if (dice_.oneIn(2)) definition.runner = dice_.oneIn(2) ? Runner::remote : Runner::native;
  if (dice_.oneIn(2)) definition.requestedToStartTimeoutMicros = dice_.roll(20) * second;
  if (dice_.oneIn(2)) definition.inProgressTimeoutMicros = dice_.roll(100) * second;
  if (dice_.oneIn(2)) definition.allowedRetryCount = dice_.roll(5);  // 0 is refused by the validator
  if (dice_.oneIn(2)) definition.retryDelayMicros = dice_.roll(30) * second;
  if (dice_.oneIn(4)) definition.retryOnFail = dice_.oneIn(2);
  if (dice_.oneIn(4)) definition.concurrencyLimit = 1 + dice_.roll(6);
  if (definition.concurrencyLimit > 0 && dice_.oneIn(2)) definition.concurrencyPath = "params.g";
  if (dice_.oneIn(8)) definition.rate = {1 + dice_.roll(5), (1 + dice_.roll(60)) * second, 1 + dice_.roll(5)};
  return definition;
}

Verb RandomWorld::savingResult(const AttemptRef& ref) {
  SaveResult save{ref, {}};
  for (std::uint32_t i = 1 + dice_.roll(3); i > 0; --i)
    save.memos.push_back(dice_.oneIn(4) ? failedStepOf(anyStep())
                                        : stepOf(anyStep(), dice_.oneIn(4) ? "" : std::to_string(dice_.roll(1000))));
  if (dice_.oneIn(8)) save.memos.push_back(waitOf(anyStep()));
  if (dice_.oneIn(4))
    save.memos.push_back(openStepOf(anyStep(), dice_.oneIn(2) ? MemoState::pending : MemoState::running));
  if (dice_.oneIn(30)) save.memos.push_back(waitOf(anyStep(), -1));  // refused by the validator
  return save;
}

Verb RandomWorld::suspending(const AttemptRef& ref) {
  Suspend suspend{ref, {}};
  for (std::uint32_t i = 1 + dice_.roll(3); i > 0; --i) {
    const bool isTimed = dice_.oneIn(2);
    const std::int64_t wakeAt = clock_.now().utcMicros + (static_cast<std::int64_t>(dice_.roll(200)) - 20) * second;
    suspend.waits.push_back(waitOf(anyStep(), isTimed ? wakeAt : never));
  }
  if (dice_.oneIn(4)) suspend.waits.push_back(openStepOf(anyStep()));
  if (dice_.oneIn(30)) suspend.waits.push_back(stepOf(anyStep()));  // refused by the validator
  return suspend;
}

Verb RandomWorld::completing() {
  const JobID job = jobs_.empty() ? JobID{id()} : dice_.oneIn(4) ? dice_.pick(jobs_) : anyAttempt().job;
  CompleteExternal complete = completionOf(job, anyStep(), std::to_string(dice_.roll(1000)));
  if (dice_.oneIn(4)) complete.failure = {"error", "nobody came", "test", "{}"};
  return complete;
}

Verb RandomWorld::attemptVerb() {
  const AttemptRef ref = anyAttempt();
  switch (dice_.roll(20)) {
    case 0:
      return Start{ref};
    case 1:
      return Unclaim{ref, "given back"};
    case 2:
      return Notify{ref, static_cast<float>(dice_.roll(5)) / 4, "on its way", dice_.oneIn(2)};
    case 3:
    case 4:
    case 5:
    case 6: {
      Succeed succeed{ref, dice_.oneIn(3) ? "" : std::to_string(dice_.roll(100)), {}};
      if (dice_.oneIn(6)) {
        succeed.then.push_back(anyJob());
        remember(jobs_, succeed.then.back().id, 400);
      }
      return succeed;
    }
    case 7:
    case 8:
    case 9: {
      Fail fail;
      fail.attempt = ref;
      fail.failure = {"error", "it did not work", "test", "{}"};
      fail.retryable = !dice_.oneIn(4);
      fail.random = static_cast<std::uint32_t>(dice_.bits());
      if (dice_.oneIn(6)) {
        fail.then.push_back(anyJob());
        remember(jobs_, fail.then.back().id, 400);
      }
      return fail;
    }
    case 10:
      return RequestTransfer{ref};
    case 11:
      return Transfer{ref};
    case 12:
      return Start{ref};
    case 13:
    case 14:
      return savingResult(ref);
    case 15:
    case 16:
      return suspending(ref);
    case 17:
    case 18:
      return completing();
    default:
      break;
  }
  const JobID which = jobs_.empty() ? JobID{id()} : dice_.pick(jobs_);
  if (dice_.oneIn(5)) return Discard{which};
  if (!jobs_.empty() && dice_.oneIn(4)) return Forget{dice_.oneIn(2) ? which : recentJob()};
  return Cancel{which, "not needed"};
}

Verb RandomWorld::next() {
  const std::uint32_t choice = dice_.roll(100);
  if (choice < 25) return submitting();
  if (choice < 45) return claiming();
  if (choice < 80) return attemptVerb();
  if (choice < 84) return registering();
  if (choice < 86) return closing();
  if (choice < 90) return adopting();
  if (choice < 92) return Promote{dice_.oneIn(2) ? principalOwner : anyDirector(), 1 + dice_.roll(20)};
  if (choice < 94) return Expire{1 + dice_.roll(20), static_cast<std::uint32_t>(dice_.bits())};
  if (choice < 95) return dice_.oneIn(2) ? defining() : settingQueue();
  if (choice < 96) return scheduling();
  if (choice < 97) {
    Prune prune;
    prune.maxAgeMicros = dice_.oneIn(2) ? 0 : dice_.roll(48) * hour;
    prune.maxCount = dice_.oneIn(2) ? 0 : dice_.roll(300);
    prune.limit = 1 + dice_.roll(dice_.oneIn(2) ? 1000 : 10);
    return prune;
  }
  if (said_.empty()) return submitting();
  Verb again = dice_.pick(said_);
  if (std::holds_alternative<Claim>(again)) return claiming();
  if (const auto* submit = std::get_if<Submit>(&again); submit != nullptr)
    for (const auto& job : submit->jobs)
      if (!mayRepeat(job.id)) return submitting();
  return again;
}

std::vector<Verb> RandomWorld::nextBatch(std::size_t size) {
  std::vector<Verb> verbs;
  for (std::size_t i = 0; i < size; ++i) {
    verbs.push_back(next());
    remember(said_, verbs.back(), 300);
  }
  return verbs;
}

void RandomWorld::moveClock() {
  const std::uint32_t choice = dice_.roll(100);
  if (choice < 60)
    clock_.advanceMicros(dice_.roll(3'000'000));
  else if (choice < 90)
    clock_.advanceMicros(dice_.roll(60) * second);
  else if (choice < 97)
    clock_.advanceMicros(hour);
  else if (choice < 99)
    clock_.advanceMicros(day);
  else
    clock_.reboot(Uuid{id()}), clock_.advanceMicros(static_cast<std::int64_t>(dice_.roll(100)) * second);
}

std::optional<std::string> RandomWorld::learnClaim(const Claim::Answer& answer) {
  for (const auto& item : answer.jobs) {
    const JobRow& row = item.row;
    remember(attempts_, attemptOf(row), 400);
    if (answer.verdict != Verdict::ok) continue;
    if (!execIDs_.insert(row.execID).second) return "an execId was handed out twice: " + row.execID.toString();
    auto& number = attemptNumbers_[row.id];
    if (row.attempt <= number) return "the attempts of job " + row.id.toString() + " do not grow";
    number = row.attempt;
    if (finished_.contains(row.id)) return "job " + row.id.toString() + " was handed out after it was done";
  }
  return std::nullopt;
}

std::optional<std::string> RandomWorld::learn(const std::vector<Verb>& verbs, const std::vector<AnyAnswer>& answers) {
  for (std::size_t i = 0; i < verbs.size(); ++i) {
    const Answer& base = baseOf(answers[i]);
    if (const auto* opened = std::get_if<RegisterIncarnation>(&verbs[i]); opened && base.verdict == Verdict::ok) {
      if (opened->role == Role::principal) principal_ = opened->id;
      directors_.push_back({opened->id, opened->role, opened->name, {}});
      std::erase_if(directors_, [&](const Director& director) { return director.id == opened->expectedFormer; });
      if (!opened->expectedFormer.isNil()) remember(closed_, opened->expectedFormer, 20);
      if (directors_.size() > 30) directors_.erase(directors_.begin() + 5);
    }
    if (const auto* ended = std::get_if<CloseIncarnation>(&verbs[i]); ended && base.verdict == Verdict::ok) {
      std::erase_if(directors_, [&](const Director& director) { return director.id == ended->id; });
      remember(closed_, ended->id, 20);
    }
    if (base.verdict == Verdict::ok)
      if (auto broken = learnSchedule(verbs[i])) return broken;
    if (const auto* claimed = std::get_if<Claim::Answer>(&answers[i]))
      if (auto broken = learnClaim(*claimed)) return broken;
    const auto* end = std::get_if<AttemptAnswer>(&answers[i]);
    const bool isEnd = std::holds_alternative<Succeed>(verbs[i]) || std::holds_alternative<Fail>(verbs[i]);
    if (end && isEnd && base.verdict == Verdict::ok && end->state == JobState::done) {
      const JobID job = std::visit(
          [](const auto& verb) {
            if constexpr (requires { verb.attempt.job; }) return verb.attempt.job;
            return JobID{};
          },
          verbs[i]);
      if (!finished_.insert(job).second) return "two results of job " + job.toString() + " were accepted";
    }
  }
  return std::nullopt;
}

}  // namespace callsheet::tests
