#pragma once
#include <string>

#include "cli/bench/cycles.h"

// The ways of other job servers' clients through their queues, each over its server's own protocol.
namespace callsheet {
inline namespace v1 {

/// beanstalkd: put, reserve, delete.
class BeanstalkSession final : public CycleSession {
 public:
  explicit BeanstalkSession(CycleLedger& ledger) : ledger_(ledger) {}
  [[nodiscard]] std::string next(bool mayBegin) override;
  [[nodiscard]] std::size_t answered(std::string_view received) override;

 private:
  enum class Step { put, reserve, remove };
  CycleLedger& ledger_;
  Step step_ = Step::put;
  std::string id_;
};

/// A Redis stream with a consumer group: XADD, XREADGROUP, XACK. Of what Redis has for queues it is this that knows who
/// works on what, so that a dead consumer's entries can be given to others; and it writes down all three.
class RedisSession final : public CycleSession {
 public:
  RedisSession(CycleLedger& ledger, std::size_t number);
  [[nodiscard]] std::string next(bool mayBegin) override;
  [[nodiscard]] std::size_t answered(std::string_view received) override;

  /// What makes the stream and its group; to be sent once.
  [[nodiscard]] static std::string groupRequest();

 private:
  enum class Step { add, read, acknowledge };
  CycleLedger& ledger_;
  const std::string addText_;
  const std::string readText_;
  Step step_ = Step::add;
  std::string id_;
};

/// The size of the Redis answer at the front of what came; 0: it is incomplete.
[[nodiscard]] std::size_t redisAnswerSize(std::string_view received);

}  // namespace v1
}  // namespace callsheet
