#include "cli/bench/peer_sessions.h"

#include <fmt/format.h>

#include <charconv>
#include <initializer_list>

#include "cli/bench/bench_child.h"
#include "cli/bench/load.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::string_view lineEnd = "\r\n";
constexpr const char* stream = "bench";
constexpr const char* consumers = "workers";
constexpr long giveUpAfterSeconds = 120;

[[noreturn]] void refuse(std::string_view server, std::string_view line) {
  throw BenchFailure(fmt::format("{} answered: {}", server, line));
}

long numberIn(std::string_view server, std::string_view text) {
  long number = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc{}) refuse(server, text);
  return number;
}

std::string redisCommand(std::initializer_list<std::string_view> words) {
  std::string text = fmt::format("*{}\r\n", words.size());
  for (const std::string_view word : words) text += fmt::format("${}\r\n{}\r\n", word.size(), word);
  return text;
}

/// The first bulk string that looks like an entry's id, as XADD and XREADGROUP give it: "$15\r\n1700000000000-0\r\n".
std::string entryIn(std::string_view answer) {
  for (std::size_t at = answer.find('$'); at != std::string_view::npos; at = answer.find('$', at + 1)) {
    const std::size_t from = answer.find(lineEnd, at) + lineEnd.size();
    const std::string_view text = answer.substr(from, answer.find(lineEnd, from) - from);
    const std::size_t dash = text.find('-');
    if (dash != std::string_view::npos && text.find_first_not_of("0123456789-") == std::string_view::npos)
      return std::string(text);
  }
  refuse("redis-server", answer);
}

}  // namespace

std::string BeanstalkSession::next(bool mayBegin) {
  switch (step_) {
    case Step::put:
      if (!mayBegin) return {};
      return fmt::format("put 0 0 {} {}\r\n{:x>{}}\r\n", giveUpAfterSeconds, loadPayloadBytes, "", loadPayloadBytes);
    case Step::reserve:
      return "reserve\r\n";
    case Step::remove:
      return fmt::format("delete {}\r\n", id_);
  }
  return {};
}

std::size_t BeanstalkSession::answered(std::string_view received) {
  const std::size_t end = received.find(lineEnd);
  if (end == std::string_view::npos) return 0;
  const std::string_view line = received.substr(0, end);
  const std::size_t size = end + lineEnd.size();
  const std::size_t space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  const std::string_view rest = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
  if (step_ == Step::put && word == "INSERTED") {
    ledger_.made(std::string(rest));
    step_ = Step::reserve;
    return size;
  }
  if (step_ == Step::reserve && word == "RESERVED") {
    const std::size_t gap = rest.find(' ');
    if (gap == std::string_view::npos) refuse("beanstalkd", line);
    const std::size_t whole =
        size + static_cast<std::size_t>(numberIn("beanstalkd", rest.substr(gap + 1))) + lineEnd.size();
    if (received.size() < whole) return 0;
    id_ = rest.substr(0, gap);
    ledger_.handedOut(id_);
    step_ = Step::remove;
    return whole;
  }
  if (step_ == Step::remove && word == "DELETED") {
    ledger_.done(id_);
    step_ = Step::put;
    return size;
  }
  refuse("beanstalkd", line);
}

RedisSession::RedisSession(CycleLedger& ledger, std::size_t number)
    : ledger_(ledger),
      addText_(redisCommand({"XADD", stream, "*", "job", std::string(loadPayloadBytes, 'x')})),
      readText_(redisCommand({"XREADGROUP", "GROUP", consumers, "consumer-" + std::to_string(number), "COUNT", "1",
                              "BLOCK", "60000", "STREAMS", stream, ">"})) {}

std::string RedisSession::groupRequest() {
  return redisCommand({"XGROUP", "CREATE", stream, consumers, "$", "MKSTREAM"});
}

std::string RedisSession::next(bool mayBegin) {
  switch (step_) {
    case Step::add:
      return mayBegin ? addText_ : std::string();
    case Step::read:
      return readText_;
    case Step::acknowledge:
      return redisCommand({"XACK", stream, consumers, id_});
  }
  return {};
}

std::size_t RedisSession::answered(std::string_view received) {
  const std::size_t size = redisAnswerSize(received);
  if (size == 0) return 0;
  const std::string_view answer = received.substr(0, size);
  if (answer.front() == '-') refuse("redis-server", answer);
  switch (step_) {
    case Step::add:
      ledger_.made(entryIn(answer));
      step_ = Step::read;
      break;
    case Step::read:
      id_ = entryIn(answer);
      ledger_.handedOut(id_);
      step_ = Step::acknowledge;
      break;
    case Step::acknowledge:
      if (answer != ":1\r\n") refuse("redis-server", answer);
      ledger_.done(id_);
      step_ = Step::add;
      break;
  }
  return size;
}

std::size_t redisAnswerSize(std::string_view received) {
  const std::size_t end = received.find(lineEnd);
  if (end == std::string_view::npos) return 0;
  std::size_t size = end + lineEnd.size();
  const std::string_view line = received.substr(0, end);
  if (line.empty()) refuse("redis-server", line);
  if (line.front() != '$' && line.front() != '*') return size;
  const long number = numberIn("redis-server", line.substr(1));
  if (number < 0) return size;
  if (line.front() == '$') {
    size += static_cast<std::size_t>(number) + lineEnd.size();
    return received.size() < size ? 0 : size;
  }
  for (long i = 0; i < number; ++i) {
    const std::size_t one = redisAnswerSize(received.substr(size));
    if (one == 0) return 0;
    size += one;
  }
  return size;
}

}  // namespace v1
}  // namespace callsheet
