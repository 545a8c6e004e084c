#include "cli/bench/long_poll_latency.h"

#include <fmt/format.h>
#include <poll.h>

#include <array>
#include <filesystem>

#include "cli/bench/api_principal.h"
#include "cli/bench/bare_lmdb.h"
#include "cli/bench/bench_child.h"
#include "cli/bench/bench_clock.h"
#include "cli/bench/load.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::chrono::microseconds spacingMin{4000};
constexpr int patienceMillis = 30'000;
constexpr long timeoutMillis = 60'000;
constexpr double aimMicros = 100;

struct Pair {
  std::int64_t createSentAt = 0;
  std::int64_t createdAt = 0;
  std::int64_t handedOutAt = 0;
  std::vector<RpcTask> tasks;
};

/// Makes one task and waits for both answers: that of the create, and that of the long-poll which waits already.
Pair makeAndAwait(StreamConnection& creator, StreamConnection& waiter, const std::string& create) {
  Pair pair;
  std::array<pollfd, 2> watched{pollfd{creator.descriptor(), POLLIN, 0}, pollfd{waiter.descriptor(), POLLIN, 0}};
  pair.createSentAt = benchNanos();
  creator.send(create);
  while (pair.createdAt == 0 || pair.handedOutAt == 0) {
    if (::poll(watched.data(), watched.size(), patienceMillis) == 0)
      throw BenchFailure("a long-poll did not hand out what was made");
    const std::int64_t now = benchNanos();
    throwIfInterrupted();
    if (watched[0].revents != 0) creator.receive();
    if (watched[1].revents != 0) waiter.receive();
    const auto created = firstHttpAnswer(creator.received());
    if (created && pair.createdAt == 0) {
      requireAccepted(*created, "create");
      pair.createdAt = now;
    }
    const auto handedOut = firstHttpAnswer(waiter.received());
    if (handedOut && pair.handedOutAt == 0) {
      requireAccepted(*handedOut, "long-poll");
      pair.tasks = tasksIn(handedOut->body);
      pair.handedOutAt = now;
      waiter.take(handedOut->size);
    }
  }
  const auto created = firstHttpAnswer(creator.received());
  const auto ids = textsOf(created->body, "id");
  if (pair.tasks.size() != 1 || ids.size() != 1 || ids[0] != pair.tasks[0].id)
    throw BenchFailure("a long-poll handed out something else than was made");
  creator.take(created->size);
  return pair;
}

/// One put and its commit, as little as LMDB can be asked for.
double commitBare(const BareEnvironment& environment, std::uint32_t number) {
  const std::string key = fmt::format("{:08}", number);
  const std::string value(loadPayloadBytes, 'x');
  const std::int64_t before = benchNanos();
  BareTransaction txn(environment, 0);
  putBare(txn, environment.first(), key, value);
  txn.commit();
  return static_cast<double>(benchNanos() - before) / 1e3;
}

}  // namespace

void LongPollLatency::measure(unsigned) {
  const std::string place = directory_.makeFresh();
  std::filesystem::create_directory(place + "/bare");
  const BareEnvironment bare(place + "/bare", "ready", "running");
  ApiPrincipal principal(place);
  StreamConnection creator(principal.socketPath());
  StreamConnection waiter(principal.socketPath());
  const std::string create = httpPost("/rpc", createCalls(1));
  std::vector<double> commit;
  std::vector<double> created;
  std::vector<double> fromAnswer;
  std::vector<double> fromSending;
  for (std::uint32_t i = 0; i < settings_.pickUps; ++i) {
    waiter.send(httpPost("/rpc", longPollCall(1, timeoutMillis)));
    // A little apart from the even beat, so that no timer keeps step.
    nap(spacingMin + std::chrono::microseconds{i * 7919 % 2000});
    const Pair pair = makeAndAwait(creator, waiter, create);
    created.push_back(static_cast<double>(pair.createdAt - pair.createSentAt) / 1e3);
    fromAnswer.push_back(static_cast<double>(pair.handedOutAt - pair.createdAt) / 1e3);
    fromSending.push_back(static_cast<double>(pair.handedOutAt - pair.createSentAt) / 1e3);
    finishTasks(creator, pair.tasks);
    commit.push_back(commitBare(bare, i));
  }
  principal.stop(settings_.pickUps);
  commitMicros_.push_back(std::move(commit));
  createMicros_.push_back(std::move(created));
  fromAnswerMicros_.push_back(std::move(fromAnswer));
  fromSendingMicros_.push_back(std::move(fromSending));
}

void LongPollLatency::report(BenchReport& report) const {
  report.addPercentile(group(), "bare LMDB commit of one put, p50", "us", 50, commitMicros_);
  const double commitMicros = report.rows().back().value;
  report.addPercentile(group(), "bare LMDB commit of one put, p99", "us", 99, commitMicros_);
  report.addPercentile(group(), "create, p50 (one commit of the principal)", "us", 50, createMicros_);
  report.addPercentile(group(), "create, p99", "us", 99, createMicros_);
  report.addPercentile(
      group(), "create's answer to long-poll's answer, p50", "us", 50, fromAnswerMicros_,
      BenchAim{aimMicros + commitMicros, false, fmt::format("at most {:.0f} us + one bare commit", aimMicros)});
  report.addPercentile(group(), "create's answer to long-poll's answer, p99", "us", 99, fromAnswerMicros_);
  report.addPercentile(group(), "create's sending to long-poll's answer, p50", "us", 50, fromSendingMicros_);
  report.addPercentile(group(), "create's sending to long-poll's answer, p99", "us", 99, fromSendingMicros_);
}

}  // namespace v1
}  // namespace callsheet
