#include "cli/bench/rpc_text.h"

#include <fmt/format.h>
#include <strings.h>

#include <charconv>
#include <functional>

#include "cli/bench/bench_child.h"
#include "cli/bench/load.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::string_view lengthName = "\r\ncontent-length:";

std::size_t numberAt(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  std::size_t number = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc{})
    throw BenchFailure("an answer of the API is no HTTP");
  return number;
}

/// Where the header's value begins; npos: there is none.
std::size_t lengthIn(std::string_view head) {
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2))
    if (head.size() - at >= lengthName.size() &&
        ::strncasecmp(head.data() + at, lengthName.data(), lengthName.size()) == 0)
      return at + lengthName.size();
  return std::string_view::npos;
}

std::string callsOf(std::size_t count, const std::function<std::string(std::size_t)>& callOf) {
  if (count == 1) return callOf(0);
  std::string text = "[";
  for (std::size_t i = 0; i < count; ++i) text += (i == 0 ? "" : ",") + callOf(i);
  return text += "]";
}

}  // namespace

std::string httpPost(std::string_view path, std::string_view body) {
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}", path,
      body.size(), body);
}

std::optional<HttpAnswer> firstHttpAnswer(std::string_view received) {
  const std::size_t end = received.find("\r\n\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view head = received.substr(0, end);
  const std::size_t length = lengthIn(head);
  if (!head.starts_with("HTTP/1.1 ") || length == std::string_view::npos)
    throw BenchFailure("an answer of the API is no HTTP");
  const std::size_t bodyBytes = numberAt(head.substr(length));
  HttpAnswer answer;
  answer.status = static_cast<int>(numberAt(head.substr(9)));
  answer.size = end + 4 + bodyBytes;
  if (received.size() < answer.size) return std::nullopt;
  answer.body = received.substr(end + 4, bodyBytes);
  return answer;
}

std::string createCalls(std::size_t count) {
  const std::string filler(loadPayloadBytes - std::string_view(R"({"filler":""})").size(), 'x');
  const std::string one = fmt::format(
      R"({{"method":"awf.task/create-and-execute","params":{{"definition":"{}","params":{{"filler":"{}"}}}}}})",
      rpcKind, filler);
  return callsOf(count, [&](std::size_t) { return std::string(one); });
}

std::string pollCall(std::size_t max) {
  return fmt::format(R"({{"method":"awf.task/poll","params":{{"taskDefinitions":["{}"],"maxBatchSize":{}}}}})", rpcKind,
                     max);
}

std::string longPollCall(std::size_t max, long timeout) {
  return fmt::format(
      R"({{"method":"awf.task/long-poll","params":{{"taskDefinitions":["{}"],"maxBatchSize":{},"timeout":{}}}}})",
      rpcKind, max, timeout);
}

std::string startCalls(const std::vector<RpcTask>& tasks) {
  return callsOf(tasks.size(), [&](std::size_t i) {
    return fmt::format(R"({{"method":"awf.task/start","params":{{"id":"{}","execId":"{}"}}}})", tasks[i].id,
                       tasks[i].execID);
  });
}

std::string successCalls(const std::vector<RpcTask>& tasks) {
  return callsOf(tasks.size(), [&](std::size_t i) {
    return fmt::format(
        R"({{"method":"awf.task/success","params":{{"id":"{}","execId":"{}","result":{{"done":true}}}}}})", tasks[i].id,
        tasks[i].execID);
  });
}

std::vector<std::string> textsOf(std::string_view body, std::string_view member) {
  const std::string head = fmt::format("\"{}\":\"", member);
  std::vector<std::string> texts;
  for (std::size_t at = body.find(head); at != std::string_view::npos; at = body.find(head, at)) {
    at += head.size();
    texts.emplace_back(body.substr(at, body.find('"', at) - at));
  }
  return texts;
}

std::vector<RpcTask> tasksIn(std::string_view body) {
  const auto ids = textsOf(body, "id");
  const auto execIDs = textsOf(body, "execId");
  if (ids.size() != execIDs.size()) throw BenchFailure("a task was handed out without its id or execId");
  std::vector<RpcTask> tasks;
  for (std::size_t i = 0; i < ids.size(); ++i) tasks.push_back({ids[i], execIDs[i]});
  return tasks;
}

void requireAccepted(const HttpAnswer& answer, std::string_view what) {
  if (answer.status != 200 || answer.body.find("\"error\":") != std::string_view::npos)
    throw BenchFailure(fmt::format("{} was answered {}: {}", what, answer.status, answer.body.substr(0, 300)));
}

}  // namespace v1
}  // namespace callsheet
