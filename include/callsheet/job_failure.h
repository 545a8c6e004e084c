#pragma once
#include <cereal/cereal.hpp>
#include <string>

namespace callsheet {
inline namespace v1 {

/// Why a job or one of its steps failed, as it is stored. `type` is a registered error's name, or "error".
struct JobFailure {
  std::string type;
  std::string message;
  std::string origin;   ///< where it came from: the kind, the step, the command
  std::string payload;  ///< JSON of a registered error type; may be empty

  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(type), CEREAL_NVP(message), CEREAL_NVP(origin), CEREAL_NVP(payload));
  }
  friend bool operator==(const JobFailure&, const JobFailure&) = default;
};

}  // namespace v1
}  // namespace callsheet
