// refused: an input that may have no job is a JobInput<std::optional<...>>
#include <optional>

#include "callsheet/job.h"
#include "callsheet/job_types.h"

using namespace callsheet;

struct Step : ResultJob<int> {
  static constexpr JobKind kind{"step"};
  int execute() const { return 1; }
  template <class Archive>
  void serialize(Archive&) {}
};

struct Root : SubmittableJob {
  bool isWanted = true;
#ifdef IS_FINE
  JobInput<std::optional<int>> number;
#else
  JobInput<int> number;
#endif
  void bindInputs() {
    number.bind(isWanted ? std::optional(Step{}) : std::nullopt);
  }
  void execute() const {}
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(isWanted), CEREAL_NVP(number));
  }
};

JobTypes types() {
  return JobTypes{}.add<Root>("root");
}
