#include <callsheet/job_director.h>

#include <iostream>

using namespace callsheet;

namespace {
struct Sum {
  int a = 0;
  int b = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(a), CEREAL_NVP(b));
  }
  int execute(JobContext&) { return a + b; }
};
}  // namespace

// Uses the installed headers and library as a stranger would: a principal and an assistant, here in one process.
int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: outside DIRECTORY\n";
    return 2;
  }
  try {
    const JobTypes types = JobTypes{}.add<Sum>("sum");
    JobDirector principal(JobDirectorID("outside"), argv[1], JobDirectorMode::principal(), types);
    JobDirector assistant(JobDirectorID("outside"), argv[1], JobDirectorMode::assistant("helper"), types);
    principal.start();
    assistant.start();
    const Submission job = assistant.submit(Sum{40, 2});
    const auto status = principal.wait(job.id, std::chrono::seconds{30});
    if (!status || !status->isSucceeded() || status->resultAs<int>() != 42) return 1;
    std::cout << "job " << shortIDOf(job.id) << " of " << status->owner << " gave " << status->result << "\n";
    assistant.stop();
    principal.stop();
  } catch (const Error& error) {
    std::cerr << error.what() << "\n";
    return exitCodeOf(error.kind());
  }
  std::cout << "works\n";
  return 0;
}
