#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "callsheet/limits.h"
#include "cli/change_watcher.h"
#include "cli/commands.h"
#include "cli/job_text.h"
#include "cli/json_output.h"
#include "cli/terminal.h"
#include "cli/values.h"
#include "ipc/principal_lock.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::size_t rowsOnPaper = 20;  // where no terminal says how many there is room for
constexpr std::size_t linesAroundRows = 4;
constexpr std::size_t workColumns = 60;
constexpr int barColumns = 20;
constexpr std::chrono::milliseconds betweenPictures{200};

/// What is shown: those that run, then those that come, then those that have ended, each the newest first.
struct Picture {
  Totals totals;
  bool hasPrincipal = false;
  std::vector<JobView> running;
  std::vector<JobView> coming;
  std::vector<JobView> ended;
  std::map<std::string, std::string> held;  ///< queues of those that come and that hand nothing out now, and why
};

/// The newest jobs in these states, at most so many, of `all` that there are.
std::vector<JobView> newest(LmdbJobStore& store, std::vector<JobState> states, std::uint64_t all, std::size_t most) {
  JobFilter filter;
  filter.states = std::move(states);
  filter.newestFirst = true;
  std::vector<JobView> jobs;
  std::string page;
  const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(all, most));
  while (jobs.size() < wanted) {
    JobPage found = store.list(filter, page, wanted - jobs.size());
    std::move(found.jobs.begin(), found.jobs.end(), std::back_inserter(jobs));
    page = std::move(found.next);
    if (page.empty()) break;
  }
  return jobs;
}

Picture take(Session& session, std::size_t rows) {
  Picture picture;
  LmdbJobStore& store = session.store();
  picture.totals = store.totals();
  const Totals& totals = picture.totals;
  picture.hasPrincipal = PrincipalLock::holder(session.access().directory()).has_value();
  const std::uint64_t waiting = std::accumulate(std::begin(totals.waiting), std::end(totals.waiting), totals.ready);
  const std::uint64_t done = std::accumulate(std::begin(totals.done), std::end(totals.done), std::uint64_t{0});
  picture.running =
      newest(store, {JobState::inProgress, JobState::requested}, totals.inProgress + totals.requested, rows);
  rows -= picture.running.size();
  picture.coming = newest(store, {JobState::ready, JobState::waiting}, waiting, std::min(rows, rows / 2 + 1));
  rows -= picture.coming.size();
  for (const JobView& job : picture.coming) {
    const auto queue = picture.held.contains(job.row.queue) ? std::nullopt : store.queue(job.row.queue);
    if (queue && queue->room() == 0) picture.held[queue->name] = queue->isPaused ? "queue paused" : "queue full";
  }
  picture.ended = newest(store, {JobState::done}, done, rows);
  return picture;
}

/// Why a ready job does not begin, where its queue is the reason.
std::string heldText(const Picture& picture, const JobRow& row) {
  const auto found = row.state == JobState::ready ? picture.held.find(row.queue) : picture.held.end();
  return found == picture.held.end() ? std::string() : " (" + found->second + ")";
}

std::string barOf(const JobRow& row) {
  if (row.state != JobState::inProgress || (row.progress <= 0 && row.progressText.empty())) return {};
  const int full = static_cast<int>(std::clamp(row.progress, 0.0F, 1.0F) * barColumns);
  return fmt::format("[{}{}] {:3.0f}% {}", std::string(static_cast<std::size_t>(full), '#'),
                     std::string(static_cast<std::size_t>(barColumns - full), ' '), row.progress * 100,
                     shortened(printable(row.progressText), 24));
}

std::string headline(const Picture& picture) {
  const Totals& totals = picture.totals;
  const std::uint64_t waiting = std::accumulate(std::begin(totals.waiting), std::end(totals.waiting), std::uint64_t{0});
  const std::uint64_t done = std::accumulate(std::begin(totals.done), std::end(totals.done), std::uint64_t{0});
  return fmt::format("{} running, {} ready, {} waiting, {} done ({} failed); {}", totals.inProgress + totals.requested,
                     totals.ready, waiting, done, totals.done[static_cast<std::size_t>(JobOutcome::failed)],
                     picture.hasPrincipal ? "the principal is alive" : "no principal is alive");
}

void printPicture(const Picture& picture, const OwnerNames& names) {
  printLine(headline(picture));
  printLine("");
  Table table({"ID", "STATE", "SINCE", "OWNER", "QUEUE", "PROGRESS", "WORK"});
  const auto add = [&](const JobView& job, std::int64_t since) {
    table.add({{shortIDOf(job.row.id)},
               {stateText(job.row) + heldText(picture, job.row), stateColour(job.row)},
               {utcSecondsText(since)},
               {names.nameOf(job.row.owner)},
               {job.row.queue},
               {barOf(job.row), Colour::cyan},
               {shortened(workText(job), workColumns)}});
  };
  for (const JobView& job : picture.running) add(job, job.row.startedAt == 0 ? job.row.createdAt : job.row.startedAt);
  for (const JobView& job : picture.coming) add(job, job.row.createdAt);
  for (const JobView& job : picture.ended) add(job, job.row.finishedAt);
  if (!table.isEmpty()) table.print();
  std::fflush(stdout);
}

void printPictureJson(const Picture& picture, const OwnerNames& names) {
  Json json = versioned();
  json["principalAlive"] = picture.hasPrincipal;
  for (const auto& [name, jobs] : {std::pair{"running", &picture.running}, std::pair{"coming", &picture.coming},
                                   std::pair{"ended", &picture.ended}}) {
    json[name] = Json::array();
    for (const JobView& job : *jobs) json[name].push_back(jobSummaryJson(job, names));
  }
  printJson(json);
}

/// The terminal's other screen, without line breaks of its own, for as long as the object lives.
class LiveScreen {
 public:
  LiveScreen() { print("\x1b[?1049h\x1b[?25l\x1b[?7l"); }
  ~LiveScreen() {
    print("\x1b[?7h\x1b[?25h\x1b[?1049l");
    std::fflush(stdout);
  }
  LiveScreen(const LiveScreen&) = delete;
  LiveScreen& operator=(const LiveScreen&) = delete;
  static void begin() { print("\x1b[H\x1b[2J"); }
  [[nodiscard]] static std::size_t rows() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row <= linesAroundRows) return rowsOnPaper;
    return size.ws_row - linesAroundRows;
  }
};

int showLive(Session& session) {
  // Opening may have to wait for others; until it has, a signal simply ends this process.
  (void)session.access();
  StopSignals signals;
  ChangeWatcher watcher(session.access(), signals);
  const LiveScreen screen;
  for (;;) {
    const auto next = std::chrono::steady_clock::now() + betweenPictures;
    const Picture picture = take(session, LiveScreen::rows());
    LiveScreen::begin();
    printPicture(picture, OwnerNames(session.store().incarnations()));
    if (const auto signal = watcher.waitForChange()) return 128 + *signal;
    // A busy store rings more often than anybody can read.
    while (std::chrono::steady_clock::now() < next)
      if (const auto signal = watcher.waitForChange(next)) return 128 + *signal;
  }
}

int status(Session& session, bool once) {
  if (!session.json && !once && ::isatty(STDOUT_FILENO) == 1) return showLive(session);
  const Picture picture = take(session, rowsOnPaper);
  const OwnerNames names(session.store().incarnations());
  session.json ? printPictureJson(picture, names) : printPicture(picture, names);
  return 0;
}

}  // namespace

Work defineStatus(CLI::App& app) {
  const auto once = std::make_shared<bool>(false);
  app.add_flag("--once", *once, "Print it once, also on a terminal");
  app.footer(
      "What runs, what comes next and what has ended last. On a terminal it stays up to date until Ctrl-C. Needs no\n"
      "daemon.");
  return [once](Session& session) { return status(session, *once); };
}

}  // namespace v1
}  // namespace callsheet
