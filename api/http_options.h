#pragma once
#include <chrono>
#include <cstddef>
#include <string>

#include "callsheet/log.h"

namespace callsheet {
inline namespace v1 {

struct HttpLimits {
  std::size_t bodyBytes = std::size_t{1} << 20;
  unsigned connections = 2048;  ///< of each listening socket, waiting ones too; more of them wait to be accepted
  std::chrono::milliseconds idle = std::chrono::seconds{30};         ///< in whole seconds, rounded up
  std::chrono::milliseconds requestTime = std::chrono::seconds{60};  ///< from a request's first byte to its last one
  std::chrono::milliseconds answerTime = std::chrono::seconds{60};   ///< the same of an answer
  std::size_t connectionMemory = std::size_t{32} << 10;              ///< the request line and headers must fit in it
};

struct HttpServerOptions {
  HttpLimits limits{};
  LogSink log{};
  std::string token{};         ///< what TCP clients must know; empty: they need no token
  std::string publicPrefix{};  ///< what begins so may be read without one, by GET; empty: nothing
};

}  // namespace v1
}  // namespace callsheet
