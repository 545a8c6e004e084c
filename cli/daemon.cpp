#include "cli/daemon.h"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <filesystem>
#include <functional>
#include <optional>
#include <thread>

#include "api/api_server.h"
#include "api/define.h"
#include "api/listening_socket.h"
#include "callsheet/job_director.h"
#include "cli/event_keeper.h"
#include "cli/service_notifier.h"
#include "cli/stop_signals.h"
#include "cli/terminal.h"
#include "cli/values.h"
#include "core/names.h"
#include "director/checked_options.h"
#include "http/http_job.h"
#include "ipc/principal_lock.h"
#include "jobs/task_machine.h"
#include "jobs/tasks_place.h"

namespace callsheet {
inline namespace v1 {

namespace {

// How often a quiet daemon looks whether its director still runs; what it logs as it ends is noticed at once.
constexpr std::chrono::milliseconds lookPeriod = std::chrono::seconds{10};
// A director whose loop has not come round for so long is not kept from its supervisor: it looks about once a second.
constexpr std::chrono::seconds tickPatience{10};
// The same for a commit, which may also wait for a stopped writer to be killed.
constexpr std::chrono::seconds commitPatience{20};
// How long a fenced director may take to begin anew.
constexpr std::chrono::seconds renewalPatience{5};
// How long a start may go on when the daemon was asked to end.
constexpr std::chrono::seconds startPatience{1};

spdlog::level::level_enum levelOf(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

spdlog::level::level_enum levelNamed(const std::string& name) {
  for (const LogLevel level : {LogLevel::debug, LogLevel::info, LogLevel::warning})
    if (name == toString(level)) return levelOf(level);
  return spdlog::level::err;
}

std::chrono::milliseconds millisOf(const char* option, const std::string& text) {
  return std::chrono::ceil<std::chrono::milliseconds>(durationOf(option, text));
}

/// Wakes the main thread's poll. Thread-safe.
class Wakeup {
 public:
  Wakeup() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!descriptor_.isOpen()) throw systemError("an eventfd cannot be made", errno);
  }
  void wake() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(descriptor_.number(), &one, sizeof one);
  }
  void drain() const {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t taken = ::read(descriptor_.number(), &count, sizeof count);
  }
  [[nodiscard]] int descriptor() const { return descriptor_.number(); }

 private:
  FileDescriptor descriptor_;
};

/// One daemon's life. Lives on the main thread; the director's threads call only its log.
class Daemon {
 public:
  Daemon(const Session& session, const JobDirectorMode& mode, const DaemonOptions& options)
      : options_(options),
        grace_(millisOf("--grace", options.grace)),
        writerLimit_(millisOf("--writer-limit", options.writerLimit)),
        log_("callsheet", std::make_shared<spdlog::sinks::stderr_sink_mt>()),
        definitions_(options.definitions.empty() ? std::vector<Definition>{}
                                                 : definitionsInDirectory(options.definitions)),
        directory_(StoreDirectory::open(session.location, session.id,
                                        {.create = true, .allowForeignFilesystem = session.allowForeignFilesystem})) {
    log_.set_formatter(
        std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc));
    log_.set_level(levelNamed(options.logLevel));
    name_ = mode.isPrincipal() ? std::string("principal") : "assistant " + mode.name();
  }

  int run(const Session& session, const JobDirectorMode& mode) {
    if (const auto signal = start(session, mode)) return stop(*signal);
    service_.notify(fmt::format("READY=1\nSTATUS={} of {}", name_, directory_.dataPath()));
    const auto period = service_.watchdogPeriod() ? std::min(*service_.watchdogPeriod(), lookPeriod) : lookPeriod;
    for (;;) {
      await(period);
      if (!director_->isRunning() && !isRunningAgain()) return endFenced();
      // Only a director that runs and comes round keeps the supervisor quiet.
      if (service_.watchdogPeriod() && isHealthy()) service_.notify("WATCHDOG=1");
      while (const auto signal = signals_.take())
        if (!passOverHup(*signal)) return stop(*signal);
    }
  }

 private:
  /// Opens the store and takes the role; both may have to wait for somebody else's write. The signal that asked for the
  /// end meanwhile, if one did.
  std::optional<int> start(const Session& session, const JobDirectorMode& mode) {
    std::optional<int> asked;
    attend(
        [&] {
          // A principal that lives keeps its tasks where they are, and this one from becoming a second.
          if (!options_.tasks.empty() && !PrincipalLock::holder(directory_)) placeTasks(directory_, options_.tasks);
          director_ = std::make_unique<JobDirector>(JobDirectorID(session.id), session.location, mode, types(mode),
                                                    directorOptions(session, mode));
          director_->start();
          if (!mode.isPrincipal()) return;
          serve(session);
          if (options_.events.empty()) return;
          if (!std::filesystem::is_directory(options_.events))
            throw Error(ErrorKind::notFound, "there is no folder of events " + options_.events);
          events_ = std::make_unique<EventKeeper>(access_->store(), options_.events,
                                                  [this](LogLevel level, std::string_view sentence) {
                                                    log_.log(levelOf(level), "events: {}", printable(sentence));
                                                  });
        },
        [&](int signal, const std::function<bool(std::chrono::milliseconds)>& isDoneWithin) {
          asked = signal;
          // A start that waits for nobody is over by then, and stops in good order. The other one has begun nothing.
          if (!isDoneWithin(startPatience)) exitAtOnce(signal, "while it starts");
        });
    return asked;
  }

  /// HTTP requests wait for others, so they take nobody's worker.
  JobTypes types(const JobDirectorMode& mode) const {
    JobTypes types;
    if (mode.isPrincipal()) addHttpKind(types, directory_);
    return types;
  }

  /// What a principal does for others beside directing.
  void serve(const Session& session) {
    StoreAccess::Options access;
    access.allowForeignFilesystem = session.allowForeignFilesystem;
    access.mayBeKilledAsWriter = options_.mayBeKilledAsWriter;
    access.writerLimit = writerLimit_;
    access_ = StoreAccess::open(session.location, session.id, access);
    for (const std::string& kind : define(access_->store(), definitions_)) log_.info("defined {}", kind);
    ApiServerOptions api;
    api.listen = options_.listen;
    api.tokenFile = options_.tokenFile;
    api.isOpenToAll = options_.isOpenToAll;
    if (!options_.scripts.empty()) api.scripts = std::filesystem::absolute(options_.scripts);
    api.log = [this](LogLevel level, std::string_view sentence) {
      log_.log(levelOf(level), "api: {}", printable(sentence));
    };
    api_ = std::make_unique<ApiServer>(access_, api);
    log_.info("serving {}{}{}", directory_.path(ApiServer::socketName),
              api_->tcpAddress().empty() ? "" : " and http://", api_->tcpAddress());
  }

  /// Does the work on a thread of its own, so that this one hears TERM and INT meanwhile. Throws what the work throws.
  void attend(const std::function<void()>& work,
              const std::function<void(int signal, const std::function<bool(std::chrono::milliseconds)>& isDoneWithin)>&
                  onSignal) {
    std::exception_ptr failure;
    std::atomic<bool> isDone{false};
    std::thread worker([&] {
      try {
        work();
      } catch (...) {
        failure = std::current_exception();
      }
      isDone = true;
      wakeup_.wake();
    });
    const auto isDoneWithin = [&](std::chrono::milliseconds patience) {
      const auto until = std::chrono::steady_clock::now() + patience;
      while (!isDone && std::chrono::steady_clock::now() < until) await(std::chrono::milliseconds{50});
      return isDone.load();
    };
    while (!isDone) {
      await(lookPeriod);
      while (const auto signal = signals_.take())
        if (!passOverHup(*signal)) onSignal(*signal, isDoneWithin);
    }
    worker.join();
    if (failure) std::rethrow_exception(failure);
  }

  /// Whether the signal was HUP, of which everybody hears, whenever it comes, that it does nothing.
  bool passOverHup(int signal) {
    if (signal == SIGHUP) log_.warn("HUP has no meaning here and is passed over; TERM stops");
    return signal == SIGHUP;
  }

  JobDirectorOptions directorOptions(const Session& session, const JobDirectorMode& mode) {
    JobDirectorOptions options;
    if (mode.isPrincipal()) options.waiting = {{httpKind}, options_.httpParallel};
    options.workers = options_.workers;
    options.transfers = options_.transferParallel;
    options.lease = millisOf("--lease", options_.lease);
    options.writerLimit = writerLimit_;
    options.mayBeKilledAsWriter = options_.mayBeKilledAsWriter;
    options.keepDoneFor = durationOf("--keep", options_.keep);
    options.keepDoneCount = options_.keepCount;
    options.mapBytes = options_.mapMiB << 20;
    options.allowForeignFilesystem = session.allowForeignFilesystem;
    options.runsCommands = true;
    options.program = ownProgram();
    if (!options_.scripts.empty()) options.scripts.directory = std::filesystem::absolute(options_.scripts);
    if (!options_.nodePath.empty()) options.scripts.modules = std::filesystem::absolute(options_.nodePath);
    options.scripts.limit = durationOf("--script-limit", options_.scriptLimit);
    options.scripts.memoryBytes = options_.scriptMemoryMiB << 20;
    options.log = [this](LogLevel level, std::string_view sentence) {
      log_.log(levelOf(level), "{}", printable(sentence));
      if (level >= LogLevel::warning) wakeup_.wake();
    };
    return options;
  }

  void await(std::chrono::milliseconds period) {
    pollfd descriptors[] = {{signals_.descriptor(), POLLIN, 0}, {wakeup_.descriptor(), POLLIN, 0}};
    ::poll(descriptors, 2, static_cast<int>(period.count()));
    wakeup_.drain();
  }

  [[nodiscard]] bool isHealthy() const {
    const JobDirectorHealth health = director_->health();
    return health.sinceTick < tickPatience && health.oldestCommit < commitPatience + writerLimit_;
  }

  /// A director that was fenced begins a new life by itself, unless somebody took its name.
  bool isRunningAgain() {
    const auto until = std::chrono::steady_clock::now() + renewalPatience;
    while (!director_->isRunning() && std::chrono::steady_clock::now() < until) await(std::chrono::milliseconds{50});
    return director_->isRunning();
  }

  int endFenced() {
    service_.notify("STOPPING=1");
    log_.error(
        "{} was fenced for good and ends: its incarnation was closed by somebody else, and its work goes on there",
        name_);
    return exitCodeOf(ErrorKind::fenced);
  }

  int stop(int signal) {
    // systemd waits as long as we said that we need.
    service_.notify(fmt::format("STOPPING=1\nEXTEND_TIMEOUT_USEC={}",
                                std::chrono::microseconds(grace_ + std::chrono::seconds{5}).count()));
    log_.info("{}: stopping within {}; a second signal exits at once", strsignal(signal), options_.grace);
    StopReport report;
    attend(
        [&] {
          events_.reset();
          api_.reset();
          report = director_->stop(grace_);
        },
        [&](int next, const auto&) { exitAtOnce(next, "again"); });
    return endStopped(report);
  }

  [[noreturn]] void exitAtOnce(int signal, const char* when) {
    log_.warn("{} {}: ends at once; what it left is adopted", strsignal(signal), when);
    ::_exit(128 + signal);
  }

  int endStopped(const StopReport& report) {
    for (const std::string& job : report.left) log_.warn("left running: {}", printable(job));
    // Jobs that ignore their cancellation still use what destructors would take away.
    if (report.leftRunning > 0) ::_exit(0);
    return 0;
  }

  // The signals and the service's variables first: threads inherit the one and must not see the other change.
  StopSignals signals_;
  ServiceNotifier service_;
  const DaemonOptions& options_;
  const std::chrono::milliseconds grace_;
  const std::chrono::milliseconds writerLimit_;
  std::string name_;
  Wakeup wakeup_;
  spdlog::logger log_;
  const std::vector<Definition> definitions_;  // read before anything is made on the disk
  StoreDirectory directory_;
  std::unique_ptr<JobDirector> director_;  // its threads use all of the above
  std::shared_ptr<StoreAccess> access_;    // the API's and the events'
  std::unique_ptr<EventKeeper> events_;
  std::unique_ptr<ApiServer> api_;  // so do its own
};

}  // namespace

void defineDaemonOptions(CLI::App& app, DaemonOptions& options, bool isPrincipal) {
  app.add_option("--workers", options.workers, "Jobs at once (default: one a processor)")
      ->type_name("N")
      ->check(CLI::Range(1, 4096));
  app.add_option("--grace", options.grace, "How long TERM waits for running jobs (default: 10s)")
      ->type_name("DURATION");
  app.add_option("--log-level", options.logLevel, "debug, info, warning or error (default: info)")
      ->type_name("LEVEL")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  app.add_option("--writer-limit", options.writerLimit,
                 "A process that is stopped inside a write for this long is killed (default: 10s)")
      ->type_name("DURATION");
  app.add_flag_callback(
      "--never-kill-me", [&options] { options.mayBeKilledAsWriter = false; },
      "Others must not kill this process even then");
  app.add_option("--map-size", options.mapMiB, "Upper limit of the store in MiB (default: 16384)")
      ->type_name("MIB")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 24));
  app.add_option("--scripts", options.scripts, "Where scripts lie that are named by no address")->type_name("DIR");
  app.add_option("--node-path", options.nodePath, "Where scripts for Node find modules beside their own")
      ->type_name("DIR");
  app.add_option("--script-limit", options.scriptLimit, "How long a script may run; 0: for ever (default: 10m)")
      ->type_name("DURATION");
  app.add_option("--script-memory", options.scriptMemoryMiB, "How much memory a script may use; 0: all (default: 512)")
      ->type_name("MIB")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1} << 24));
  app.add_option("--transfer-parallel", options.transferParallel,
                 "Downloads, uploads and requests of their own process at once (default: 16)")
      ->type_name("N")
      ->check(CLI::Range(1, 4096));
  if (!isPrincipal) return;
  app.add_option("--lease", options.lease, "A director whose loop stands still for this long is fenced (default: 30s)")
      ->type_name("DURATION");
  app.add_option("--keep", options.keep, "Done jobs are kept this long; 0 for ever (default: 7d)")
      ->type_name("DURATION");
  app.add_option("--listen", options.listen, "Serve the API on loopback TCP too, as 127.0.0.1:8080 (port 0: any)")
      ->type_name("HOST:PORT");
  app.add_option("--token-file", options.tokenFile,
                 "What TCP clients must send as their bearer token (default: api.token in the store)")
      ->type_name("FILE");
  app.add_flag("--no-auth", options.isOpenToAll, "TCP clients need no token: every local user may do everything");
  app.add_option("--http-parallel", options.httpParallel, "HTTP requests of jobs at once (default: 100)")
      ->type_name("N")
      ->check(CLI::Range(1, 4096));
  app.add_option("--definitions", options.definitions, "Define the kinds in this directory's JSON and YAML files first")
      ->type_name("DIR");
  app.add_option("--events", options.events, "Call APIs as the JSON files in this folder say, and those within it")
      ->type_name("DIR");
  app.add_option("--tasks", options.tasks,
                 "Keep the commands' directories there, from now on and for everybody who uses the store (default:\n"
                 "tasks in the store)")
      ->type_name("DIR");
  app.add_option("--keep-count", options.keepCount, "At most so many done jobs are kept; 0 for all (default: 100000)")
      ->type_name("N");
}

int runDaemon(Session& session, const JobDirectorMode& mode, const DaemonOptions& options) {
  // Before anything is made on the disk.
  JobDirectorOptions limits;
  limits.lease = millisOf("--lease", options.lease);
  limits.writerLimit = millisOf("--writer-limit", options.writerLimit);
  (void)checked(limits);
  if (!options.listen.empty()) ListeningSocket::checkTcpAddress(options.listen);
  // A reader of the log that goes away must not end the daemon.
  std::signal(SIGPIPE, SIG_IGN);
  return Daemon(session, mode, options).run(session, mode);
}

}  // namespace v1
}  // namespace callsheet
