// refused: finished() const, or finished(const T&) const with what execute gives
#include <string>

#include "callsheet/job.h"
#include "callsheet/job_types.h"

using namespace callsheet;

struct Note : SubmittableJob {
  static constexpr JobKind kind{"note"};
  void execute() const {}
  template <class Archive>
  void serialize(Archive&) {}
};

struct Root : SubmittableJob {
  std::string execute() const { return "done"; }
#ifdef IS_FINE
  Note finished(const std::string&) const {
    return {};
  }
#else
  Note finished(const int&) const {
    return {};
  }
#endif
  template <class Archive>
  void serialize(Archive&) {}
};

JobTypes types() {
  return JobTypes{}.add<Root>("root");
}
