// An extension process starts a download and hands its job over; the main application completes it. The download itself
// goes on in a process of its own, whoever of the two is alive. Both have the same definitions.
#include <callsheet/job_director.h>
#include <callsheet/transfers.h>

#include <iostream>

using namespace callsheet;

struct ExampleJob : SubmittableJob {
  std::string url;
  std::string path;
  JobInput<DownloadedFile> downloadedFile;
  void bindInputs() {
    DownloadFileJob download;
    download.url = url;
    download.path = path;
    download.onStart = [](JobContext& context) { context.transferToPrincipal(); };
    downloadedFile = download;
  }
  std::string execute() { return "downloaded " + std::to_string(downloadedFile->bytes) + " bytes"; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(url), CEREAL_NVP(path), CEREAL_NVP(downloadedFile));
  }
};

int main(int count, char** arguments) {  // transfer LOCATION CALLSHEET [URL PATH]: with a URL the extension
  if (count < 3) return 2;
  const bool isExtension = count > 4;
  const auto mode = isExtension ? JobDirectorMode::assistant("extension") : JobDirectorMode::principal();
  JobDirectorOptions options;
  options.runsCommands = true;
  options.program = arguments[2];  // the `callsheet` command, which carries transfers out
  JobDirector director(JobDirectorID("example"), arguments[1], mode, JobTypes{}.add<ExampleJob>("example-job"),
                       options);
  director.start();
  if (!isExtension) return std::cin.get(), 0;  // the main application: here until its input ends
  ExampleJob job;
  job.url = arguments[3];
  job.path = arguments[4];
  const auto status = director.wait(director.submit(job).id, std::chrono::seconds(20));
  std::cout << (status ? status->owner + ": " + status->result : "no such job") << "\n";
  return status && status->isSucceeded() ? 0 : 1;
}
