#pragma once
#include <cstdint>
#include <string_view>

#include "callsheet/uuid.h"

namespace callsheet {
inline namespace v1 {

/// How a job must have ended for another one to begin. A canceled one has neither succeeded nor failed.
enum class EndCondition : std::uint8_t { success, failure, always };

/// A job that must have ended before another one begins. When it has ended in another way than its condition says, the
/// other one never begins: it is done, canceled.
struct Prerequisite {
  JobID job;
  EndCondition condition = EndCondition::success;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(job, condition);
  }
  friend bool operator==(const Prerequisite&, const Prerequisite&) = default;
};

/// "success", "failure", "always".
[[nodiscard]] std::string_view toString(EndCondition condition);
/// Throws Error(invalid) for any other word.
[[nodiscard]] EndCondition endConditionFrom(std::string_view word);

}  // namespace v1
}  // namespace callsheet
