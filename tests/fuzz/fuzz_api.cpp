// The API without its sockets: requests go to the real router and methods over a store in memory, on one thread, and
// each answer is checked. One input is a few requests, as tests/fuzz/README.md describes them.
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>

#include "api/body_format.h"
#include "api/request_target.h"
#include "api/routes.h"
#include "callsheet/errors.h"
#include "core/json_payload.h"
#include "store/memory_job_store.h"

using namespace callsheet;

namespace {
constexpr std::string_view stepEnd = "\n%%\n";
constexpr std::size_t stepsMax = 12;
constexpr std::int64_t second = 1'000'000;
constexpr const char* kind = "k";

[[noreturn]] void fail(const HttpRequest& request, const std::string& why) {
  std::fprintf(stderr, "%s %s (%s, accepts %s) %s: %s\n", request.method.c_str(), request.path.c_str(),
               request.contentType.c_str(), request.accept.c_str(), request.body.c_str(), why.c_str());
  std::abort();
}

/// What a letter stands for; any other byte stands for one of them too.
template <std::size_t count>
const char* chosen(const std::pair<char, const char*> (&table)[count], char letter) {
  for (const auto& [name, value] : table)
    if (name == letter) return value;
  return table[static_cast<unsigned char>(letter) % count].second;
}
constexpr std::pair<char, const char*> methods[] = {
    {'G', "GET"}, {'P', "POST"}, {'D', "DELETE"}, {'U', "PUT"}, {'H', "HEAD"}};
/// A path's beginning and, behind the bar, what follows the variable part.
constexpr std::pair<char, const char*> paths[] = {
    {'r', "/rpc|"},           {'d', "/v1/definitions|"}, {'k', "/v1/definitions/|"}, {'j', "/v1/jobs|"},
    {'i', "/v1/jobs/|"},      {'l', "/v1/jobs/|/log"},   {'c', "/v1/jobs/|/cancel"}, {'a', "/v1/jobs/|/retry"},
    {'s', "/v1/schedules/|"}, {'f', "/v1/firings|"},     {'o', "/openapi.json|"},    {'x', "|"},
};
constexpr std::pair<char, const char*> types[] = {{'j', "application/json"},
                                                  {'y', "text/yaml"},
                                                  {'-', ""},
                                                  {'u', "application/x-yaml; charset=utf-8"},
                                                  {'x', "text/html"},
                                                  {'c', "application/json; charset=latin1"}};
constexpr std::pair<char, const char*> accepts[] = {{'-', ""},
                                                    {'j', "application/json"},
                                                    {'y', "text/yaml"},
                                                    {'*', "*/*"},
                                                    {'q', "application/json;q=0.2, text/yaml;q=0.3"},
                                                    {'x', "image/png"}};

JobID jobNamed(unsigned number) {
  JobID id;
  id.value.bytes[15] = static_cast<std::uint8_t>(number);
  id.value.bytes[6] = 0x70;
  return id;
}

bool isDocumented(int status) {
  switch (status) {
    case 200:
    case 201:
    case 400:
    case 404:
    case 405:
    case 406:
    case 409:
    case 415:
    case 422:
      return true;
    default:
      return false;
  }
}

void checkError(const HttpRequest& request, const Json& error) {
  if (!error.is_object() || !error.contains("type") || !error.contains("message") || !error["type"].is_string() ||
      !error["message"].is_string() || error["type"].get<std::string>().empty() ||
      error["message"].get<std::string>().empty())
    fail(request, "an error has no type or no message: " + error.dump());
}

void checkAnswer(const HttpRequest& request, const HttpResponse& response) {
  const auto refuse = [&](const std::string& why) {
    fail(request, std::to_string(response.status) + " " + why + ": " + response.body);
  };
  if (!isDocumented(response.status)) refuse("is no documented status here");
  const auto format = formatOfContentType(response.contentType);
  if (!format) refuse("has the type " + response.contentType);
  Json body;
  try {
    body = parseBody(*format, response.body);
  } catch (const Error& error) {
    // What wraps a value that is as deep as a request may be makes it deeper than that.
    if (std::string_view(error.what()).find("deeper") == std::string_view::npos)
      refuse(std::string("does not read back, ") + error.what());
    return;
  }
  if (response.status >= 400) {
    if (!body.is_object() || !body.contains("error")) refuse("names no error");
    checkError(request, body["error"]);
  } else if (request.path == "/rpc") {
    const auto checkOne = [&](const Json& one) {
      if (!one.is_object() || one.contains("result") == one.contains("error")) refuse("is no result");
      if (one.contains("error")) checkError(request, one["error"]);
    };
    if (body.is_array())
      for (const Json& one : body) checkOne(one);
    else if (checkOne(body); body.contains("error"))
      refuse("is an error");
  }
}

class Exchange final : public HttpExchange {
 public:
  Exchange(HttpRequest request, bool isGone, bool isLost)
      : request_(std::move(request)), isGone_(isGone), isLost_(isLost) {}
  ~Exchange() override {
    if (!isAnswered_) fail(request_, "it was never answered");
  }
  const HttpRequest& request() const override { return request_; }
  void answer(HttpResponse response, std::function<void(bool)> sent) override {
    if (std::exchange(isAnswered_, true)) fail(request_, "it was answered twice");
    checkAnswer(request_, response);
    if (sent) sent(!isGone_ && !isLost_);
  }
  bool isHungUp() const override { return isGone_; }

 private:
  const HttpRequest request_;
  const bool isGone_;
  const bool isLost_;
  bool isAnswered_ = false;
};

/// The whole API, for one input.
class World {
 public:
  explicit World(char prelude) {
    RegisterIncarnation opened;
    opened.id = claimer_;
    opened.name = "api";
    opened.role = Role::executor;
    apply(std::move(opened));
    store_.onPrincipalQueue([this] { polls_.look(); });
    begin(prelude - '0');
  }
  ~World() {
    polls_.stop();
    settle();
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void carryOut(std::string_view step) {
    const std::size_t end = std::min(step.find('\n'), step.size());
    const std::string_view line = step.substr(0, end);
    const auto letter = [&](std::size_t index) { return index < line.size() ? line[index] : '-'; };
    passTime(letter(4));
    HttpRequest request;
    request.id = "1";
    request.method = chosen(methods, letter(0));
    request.contentType = chosen(types, letter(2));
    request.accept = chosen(accepts, letter(3));
    if (end < step.size()) request.body = withNames(step.substr(end + 1));
    const std::string_view path = chosen(paths, letter(1));
    const std::size_t bar = path.find('|');
    const std::string more = withNames(line.size() > 5 ? line.substr(5) : std::string_view());
    const std::size_t query = std::min(more.find('?'), more.size());
    const auto target = parseTarget(std::string(path.substr(0, bar)) + more.substr(0, query) +
                                    std::string(path.substr(bar + 1)) + more.substr(query));
    if (!target) return;  // the server answers it before it comes to the router
    request.path = target->path;
    request.query = target->query;
    router_(std::make_shared<Exchange>(std::move(request), letter(4) == 'h', letter(4) == 'l'));
    settle();
  }

 private:
  template <class OneVerb>
  void apply(OneVerb verb) {
    if (!isAccepted(jobs_->apply(std::move(verb)).verdict)) std::abort();
  }
  /// Until nothing is on its way; only long-polls wait then.
  void settle() {
    while (loop_.runPosted()) {
    }
  }
  /// So that a few bytes come further than an empty store: a definition, two jobs, one handed out, started, done.
  void begin(int depth) {
    if (depth < 1) return;
    Definition definition;
    definition.kind = kind;
    definition.runner = Runner::remote;
    apply(PutDefinitions{{std::move(definition)}});
    if (depth < 2) return;
    Submit submit;
    for (unsigned i = 0; i < 2; ++i) {
      NewJob job;
      job.id = jobNamed(i);
      job.kind = kind;
      job.body.parameters = "{}";
      submit.jobs.push_back(std::move(job));
    }
    apply(std::move(submit));
    if (depth < 3) return;
    Claim claim;
    claim.id = makeClaimID();
    claim.claimer = claimer_;
    claim.kinds = {kind};
    claim.start = false;
    claim.remote = true;
    apply(std::move(claim));
    const auto first = jobs_->peek(jobNamed(0));
    if (depth < 4 || !first) return;
    apply(Start{{first->id, first->execID, {}}});
    if (depth < 5) return;
    apply(Succeed{{first->id, first->execID, {}}, "1", {}});
  }
  /// The principal's part.
  void passTime(char letter) {
    if (letter != 't' && letter != 'T') return;
    clock_.advanceMicros(letter == 't' ? 11 * second : 130 * second);
    apply(Expire{});
    apply(Promote{principalOwner});
    settle();
  }
  /// `@j3` is the id of job 3, `@e3` the execId of its attempt.
  [[nodiscard]] std::string withNames(std::string_view text) {
    std::string whole;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const bool isName = text[i] == '@' && i + 2 < text.size() && (text[i + 1] == 'j' || text[i + 1] == 'e') &&
                          text[i + 2] >= '0' && text[i + 2] <= '9';
      if (!isName) {
        whole += text[i];
        continue;
      }
      const JobID id = jobNamed(static_cast<unsigned>(text[i + 2] - '0'));
      const auto row = text[i + 1] == 'e' ? jobs_->peek(id) : std::nullopt;
      whole += row ? row->execID.toString() : id.toString();
      i += 2;
    }
    return whole;
  }

  ManualClock clock_{{.utcMicros = 1'750'000'000 * second,
                      .bootNanos = 5'000'000'000'000,
                      .bootID = *Uuid::parse("b0000000-0000-4000-8000-000000000001")}};
  const std::unique_ptr<JobStore> jobs_ = makeMemoryJobStore(clock_);
  const IncarnationID claimer_ = makeIncarnationID();
  EventLoop loop_;
  ApiStore store_{*jobs_, loop_};
  RemoteClaims claims_{store_, claimer_};
  LongPolls polls_{store_, claims_, loop_, clock_, {}};
  Expiry expiry_{store_, loop_, clock_, {}};
  const Router router_{[this] {
    const RpcContext context{store_, claims_, polls_, expiry_};
    std::vector<Route> all;
    for (auto& some :
         {rpcRoutes(context), definitionRoutes(store_), jobRoutes(store_), scheduleRoutes(store_), descriptionRoutes()})
      all.insert(all.end(), some.begin(), some.end());
    return all;
  }()};
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.size() < 2) return 0;
  World world(input.front());
  input.remove_prefix(input[1] == '\n' ? 2 : 1);
  for (std::size_t i = 0; i < stepsMax; ++i) {
    const std::size_t end = input.find(stepEnd);
    world.carryOut(input.substr(0, end));
    if (end == std::string_view::npos) break;
    input.remove_prefix(end + stepEnd.size());
  }
  return 0;
}
