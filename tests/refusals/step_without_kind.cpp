// refused: a step is a ResultJob or ExecutableJob with a kind
#include "callsheet/job.h"
#include "callsheet/job_types.h"

using namespace callsheet;

struct Step : ResultJob<int> {
#ifdef IS_FINE
  static constexpr JobKind kind{"step"};
#endif
  int execute() const {
    return 1;
  }
  template <class Archive>
  void serialize(Archive&) {}
};

struct Root : SubmittableJob {
  int execute(JobContext& context) const { return context.run(Step{}); }
  template <class Archive>
  void serialize(Archive&) {}
};

JobTypes types() {
  return JobTypes{}.add<Root>("root");
}
