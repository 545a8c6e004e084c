// An extension process starts a job and hands it over; the main application completes it. Both have the same
// definitions.
#include <callsheet/job.h>
#include <callsheet/job_director.h>

#include <fstream>
#include <iostream>

using namespace callsheet;

struct DownloadFile : ResultJob<std::string> {  // a stand-in: "downloads" a file of this machine
  static constexpr JobKind kind{"download-file"};
  std::string url;
  std::string execute() {
    std::ifstream file(url);
    std::string line;
    std::getline(file, line);
    return line;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(url));
  }
};

struct ExampleJob : SubmittableJob {
  std::string url;
  JobInput<std::string> downloadedFile;
  JobEnvironmentValue<env::currentJobDirector> director;
  void bindInputs() {
    DownloadFile download;
    download.url = url;
    // In the extension this hands the job over; in the main application it does nothing.
    downloadedFile.bind(download | onStart("hand-over", [director = director] { director->transferToPrincipal(); }));
  }
  std::string execute() { return "downloaded: " + *downloadedFile; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(url), CEREAL_NVP(downloadedFile));
  }
};

int main(int count, char** arguments) {  // extension LOCATION [URL]: with a URL the extension, else the application
  if (count < 2) return 2;
  const bool isExtension = count > 2;
  const auto mode = isExtension ? JobDirectorMode::assistant("extension") : JobDirectorMode::principal();
  JobDirector director(JobDirectorID("example"), arguments[1], mode, JobTypes{}.add<ExampleJob>("example-job"));
  director.start();
  if (!isExtension) return std::cin.get(), 0;  // the main application: here until its input ends
  ExampleJob job;
  job.url = arguments[2];
  const auto status = director.wait(director.submit(job).id, std::chrono::seconds(20));
  std::cout << (status ? status->owner + ": " + status->result : "no such job") << "\n";
  return status && status->isSucceeded() ? 0 : 1;
}
