// A job that needs another one's result: docs/jobs.md. Runs in the current directory's store.
#include <callsheet/job.h>
#include <callsheet/job_director.h>

#include <filesystem>
#include <iostream>

using namespace callsheet;

struct Measure : ResultJob<int> {               // gives an int
  static constexpr JobKind kind{"measure", 1};  // its name for ever; a larger version uses no result of a smaller one
  std::string path;
  int execute() { return static_cast<int>(std::filesystem::file_size(path)); }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(path));
  }
};

struct Report : SubmittableJob {  // the root: what is submitted, registered in the JobTypes
  std::string path;
  JobInput<int> size;  // a constant, or what another job gives
  void bindInputs() {  // called when the plain members are there
    Measure measure;
    measure.path = path;
    size = measure;
  }
  std::string execute() { return path + ": " + std::to_string(*size) + " bytes"; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(path), CEREAL_NVP(size));
  }
};

int main(int count, char** arguments) {  // report LOCATION FILE
  if (count != 3) return 2;
  JobDirector director(JobDirectorID("example"), arguments[1], JobDirectorMode::principal(),
                       JobTypes{}.add<Report>("report"));
  director.start();
  Report report;
  report.path = arguments[2];
  const auto status = director.wait(director.submit(report).id, std::chrono::seconds(20));
  std::cout << (status ? status->result + status->failureMessage : "no such job") << "\n";
  return status && status->isSucceeded() ? 0 : 1;
}
