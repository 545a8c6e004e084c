// The main job on real work: a principal and two assistants share one store, one assistant is killed, jobs hand
// themselves over, and nothing is lost or accepted twice. Prints the figures and exits with 1 when one is not reached.
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <thread>

#include "director/store_access.h"
#include "tests/demo/demo_input.h"
#include "tests/demo/demo_report.h"
#include "tests/demo/demo_roles.h"

using namespace callsheet;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t jobCount = 300;
constexpr std::uint64_t bytesEach = 1'800'000;
constexpr std::size_t handingOver = 24;
constexpr auto patience = 55s;
using SteadyClock = std::chrono::steady_clock;

/// Removed with everything in it, also when something throws.
struct Workplace {
  std::string path;
  Workplace() {
    std::string pattern = (std::filesystem::temp_directory_path() / "callsheet-demo-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw Error(ErrorKind::io, "no temporary directory can be made");
    path = pattern;
    std::filesystem::create_directory(path + "/output");
  }
  ~Workplace() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

class Demo {
 public:
  Demo() : access_(StoreAccess::open(place_.path, demoStoreID, {})), store_(access_->store()) {}

  int run() {
    std::printf("Collecting %zu jobs over %.0f MB of this machine's files ...\n", jobCount,
                double(jobCount * bytesEach) / 1e6);
    input_ = collectInput(jobCount, bytesEach);
    begin_ = SteadyClock::now();
    directors_.spawn(place_.path, "principal");
    directors_.spawn(place_.path, "ada");
    victim_ = directors_.spawn(place_.path, "ben");
    if (!until([this] { return livingDirectors() == 3; }, "three directors to start")) return 1;
    submitAll();
    if (!until([this] { return isTimeToKill(); }, "ben to have work to lose")) return 1;
    killVictim();
    until([this] { return adoptionSettled(); }, "the principal to take over");
    until([this] { return sendLateAnswers() && doneCount() == jobCount; }, "all jobs to finish");
    seconds_ = std::chrono::duration<double>(SteadyClock::now() - begin_).count();
    std::printf("\nVerifying every result by decompressing it ...\n");
    const DemoReport report = reportOf(store_, jobs_, input_, killedAt_);
    const bool stopped = directors_.stopAll();
    return print(report, stopped);
  }

 private:
  /// Shows progress while it waits.
  bool until(const std::function<bool()>& condition, const char* what) {
    while (!condition()) {
      if (SteadyClock::now() - begin_ > patience) {
        std::printf("\nGave up waiting for %s.\n", what);
        gaveUp_ = true;
        return false;
      }
      showProgress();
      std::this_thread::sleep_for(20ms);  // check:allow-sleep
    }
    return true;
  }

  std::size_t doneCount() { return store_.totals().done[static_cast<std::size_t>(JobOutcome::succeeded)]; }

  void showProgress() {
    static const bool isTerminal = ::isatty(STDOUT_FILENO) == 1;
    const auto now = SteadyClock::now();
    if (now - shownAt_ < (isTerminal ? 100ms : 2000ms)) return;
    shownAt_ = now;
    const Totals totals = store_.totals();
    const std::size_t done = doneCount();
    std::string bar(done * 30 / jobCount, '#');
    bar.resize(30, '.');
    std::printf("%s[%s] %3zu/%zu done, %llu running, %llu ready%s", isTerminal ? "\r" : "", bar.c_str(), done, jobCount,
                static_cast<unsigned long long>(totals.inProgress), static_cast<unsigned long long>(totals.ready),
                isTerminal ? "   " : "\n");
    std::fflush(stdout);
  }

  int livingDirectors() {
    int living = 0;
    for (const IncarnationRow& row : store_.incarnations()) {
      living += row.isOpen() ? 1 : 0;
      if (row.isOpen() && row.name == "ben") victimIncarnation_ = row.id;
    }
    return living;
  }

  void submitAll() {
    // A fifth to the principal, two fifths to each assistant; some of ada's hand themselves over.
    Submit own;
    Submit ada;
    Submit ben;
    ada.ownerName = "ada";
    ben.ownerName = "ben";
    for (std::size_t i = 0; i < jobCount; ++i) {
      Submit& to = i % 5 == 0 ? own : i % 5 < 3 ? ada : ben;
      NewJob job;
      job.id = makeJobID();
      job.kind = compressKind;
      job.body.parameters =
          toJson(CompressJob{input_[i], place_.path + "/output", &to == &ada && ada.jobs.size() < handingOver});
      jobs_.push_back(job.id);
      to.jobs.push_back(std::move(job));
    }
    for (Submit* submit : {&own, &ada, &ben}) {
      const auto answer = store_.apply(std::move(*submit));
      if (answer.verdict != Verdict::ok)
        throw Error(ErrorKind::unavailable, "the jobs were not accepted: " + answer.why);
    }
    std::printf("%zu jobs are submitted and durable; principal, ada and ben work on them, two workers each.\n",
                jobs_.size());
  }

  /// The victim's jobs as they stand.
  void countVictim() {
    running_.clear();
    ready_ = finished_ = 0;
    for (std::size_t i = 0; i < jobCount; ++i) {
      if (i % 5 < 3) continue;
      const auto row = store_.peek(jobs_[i]);
      if (!row) continue;
      if (row->state == JobState::inProgress && row->holder == victimIncarnation_.value)
        running_.push_back({row->id, row->execID, victimIncarnation_});
      if (row->state == JobState::ready && row->owner == victimIncarnation_) ++ready_;
      if (row->state == JobState::done) ++finished_;
    }
  }

  bool hasWorkToLose() const { return finished_ >= 20 && running_.size() >= 2 && ready_ >= 20; }

  /// When it is, the victim stands still, so that what was counted is what the kill finds.
  bool isTimeToKill() {
    countVictim();
    if (!hasWorkToLose()) return false;
    directors_.freeze(victim_);
    countVictim();
    if (hasWorkToLose()) return true;
    directors_.thaw(victim_);
    return false;
  }

  void killVictim() {
    runningAtKill_ = running_.size();
    killedAt_ = SystemClock().now().utcMicros;
    directors_.kill(victim_);
    std::printf("\nSIGKILL to ben, which owned %zu running and %d waiting jobs.\n", running_.size(), ready_);
  }

  bool adoptionSettled() {
    const auto rows = store_.incarnations();
    return std::any_of(rows.begin(), rows.end(),
                       [&](const IncarnationRow& row) { return row.id == victimIncarnation_ && row.emptied; });
  }

  /// What a dead or frozen worker might still send: results under the execIds that it held, while the job runs again
  /// elsewhere. None may count. True when all were sent.
  bool sendLateAnswers() {
    std::erase_if(running_, [this](const AttemptRef& attempt) {
      const auto row = store_.peek(attempt.job);
      if (row && row->state != JobState::done && (row->state != JobState::inProgress || row->execID == attempt.exec))
        return false;
      // Its end was on the way when the victim was stopped, and came in time.
      if (row && row->state == JobState::done && row->execID == attempt.exec) return true;
      // As itself, and as a stranger who saw the execId: the incarnation must not be the only lock on the door.
      for (const IncarnationID sender : {attempt.sender, IncarnationID{}}) {
        const auto answer = store_.apply(Succeed{{attempt.job, attempt.exec, sender}, R"({"file":"late"})", {}});
        ++lateSent_;
        lateAccepted_ += isAccepted(answer.verdict) ? 1 : 0;
      }
      return true;
    });
    return running_.empty();
  }

  bool row(const char* what, const std::string& value, const char* aim, bool isReached) {
    std::printf("  %-52s %14s   %-12s %s\n", what, value.c_str(), aim, isReached ? "reached" : "NOT REACHED");
    isReached_ = isReached_ && isReached;
    return isReached;
  }

  static std::string fixed(double value, const char* unit) {
    char text[64];
    std::snprintf(text, sizeof text, "%.1f %s", value, unit);
    return text;
  }

  int print(const DemoReport& report, bool stopped) {
    const double median = report.workMs.empty() ? 0 : report.workMs[report.workMs.size() / 2];
    std::printf("\n  Who finished what:\n");
    for (const auto& [name, count] : report.finishedBy)
      std::printf("    %-10s %4d jobs\n", name.empty() ? "(unknown)" : name.c_str(), count);
    std::printf("\n  %-52s %14s   %-12s\n", "", "figure", "aim");
    row("jobs done", std::to_string(report.done), "300", report.done == int(jobCount));
    row("bytes compressed", fixed(double(report.bytes) / 1e6, "MB"), ">= 500 MB", report.bytes >= 500'000'000);
    row("processor time per job, median", fixed(median, "ms"), "50 .. 500 ms", median >= 50 && median <= 500);
    row("ben's running jobs at the kill", std::to_string(runningAtKill_), ">= 2", runningAtKill_ >= 2);
    row("ben's waiting jobs at the kill", std::to_string(ready_), ">= 20", ready_ >= 20);
    row("jobs adopted", std::to_string(report.adopted), ">= 22", report.adopted >= 22);
    row("jobs adopted while running", std::to_string(report.adoptedRunning), ">= 2", report.adoptedRunning >= 2);
    row("from the kill to the first job adopted", fixed(report.adoptedAfterMs, "ms"), "< 250 ms",
        report.adoptedAfterMs >= 0 && report.adoptedAfterMs < 250);
    row("from the kill to the first adopted job running", fixed(report.firstRunningAfterMs, "ms"), "< 1000 ms",
        report.firstRunningAfterMs >= 0 && report.firstRunningAfterMs < 1000);
    row("jobs that handed themselves over", std::to_string(report.transferred), ">= 20", report.transferred >= 20);
    row("results verified", std::to_string(report.verified), "300", report.verified == int(jobCount));
    row("missing", std::to_string(report.missing), "0", report.missing == 0);
    row("accepted twice", std::to_string(report.acceptedTwice), "0", report.acceptedTwice == 0);
    row("late answers of the dead that were accepted",
        std::to_string(lateAccepted_) + " of " + std::to_string(lateSent_), "0", lateAccepted_ == 0 && lateSent_ > 0);
    row("directors that stopped cleanly", stopped ? "all" : "not all", "all", stopped);
    row("time", gaveUp_ ? "gave up" : fixed(seconds_, "s"), "< 60 s", !gaveUp_ && seconds_ < 60);
    const CheckReport check = store_.check();
    row("problems that the store's check finds", std::to_string(check.problemCount), "0", check.isClean());
    for (const auto& sentence : report.wrong) std::printf("  wrong: %s\n", sentence.c_str());
    for (std::size_t i = 0; i < check.problems.size() && i < 5; ++i)
      std::printf("  check: %s\n", check.problems[i].c_str());
    std::printf("\n%s\n", isReached_ ? "Every figure was reached." : "NOT every figure was reached.");
    return isReached_ ? 0 : 1;
  }

  Workplace place_;
  std::shared_ptr<StoreAccess> access_;
  LmdbJobStore& store_;
  DirectorProcesses directors_;
  std::vector<std::vector<Segment>> input_;
  std::vector<JobID> jobs_;
  SteadyClock::time_point begin_;
  SteadyClock::time_point shownAt_{};
  double seconds_ = 0;
  bool gaveUp_ = false;  ///< waiting for something, so that what came later does not count
  pid_t victim_ = 0;
  IncarnationID victimIncarnation_;
  std::int64_t killedAt_ = 0;
  std::vector<AttemptRef> running_;
  std::size_t runningAtKill_ = 0;
  int ready_ = 0;
  int finished_ = 0;
  int lateSent_ = 0;
  int lateAccepted_ = 0;
  bool isReached_ = true;
};

}  // namespace

int main(int count, char** arguments) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  if (count == 4 && std::strcmp(arguments[1], "--director") == 0) return runDirector(arguments[2], arguments[3]);
  if (count != 1) {
    std::fprintf(stderr, "usage: callsheet-demo\n");
    return 2;
  }
  try {
    return Demo().run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "\ncallsheet-demo: %s\n", error.what());
    return 1;
  }
}
