// refused: An unordered container has not the same order in two processes
#include <map>
#include <string>
#include <unordered_map>

#include "callsheet/job.h"
#include "callsheet/job_types.h"

using namespace callsheet;

struct Step : ResultJob<int> {
  static constexpr JobKind kind{"step"};
#ifdef IS_FINE
  std::map<std::string, int> counts;
#else
  std::unordered_map<std::string, int> counts;
#endif
  int execute() const {
    return static_cast<int>(counts.size());
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(counts));
  }
};

struct Root : SubmittableJob {
  JobInput<int> count;
  void bindInputs() { count = Step{}; }
  int execute() const { return *count; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(count));
  }
};

JobTypes types() {
  return JobTypes{}.add<Root>("root");
}
