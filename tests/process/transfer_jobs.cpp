#include "tests/process/transfer_jobs.h"

#include <fstream>

#include "tests/process/test_jobs.h"

namespace callsheet::tests {

namespace {
void aim(RequestJob& step, const std::string& text) {
  step.text = text;
  step.headers = {{"X-Mine", "yes"}};
}
template <class Step>
void aim(Step& step, const std::string& path) {
  step.path = path;
}
}  // namespace

template <class Step>
void TransferringJob<Step>::bindInputs() {
  Step step;
  step.url = url;
  aim(step, path);
  step.retry.firstDelay = std::chrono::milliseconds{200};
  step.onStart = [hands = hands](JobContext& context) {
    std::ofstream(stageDirectory() + "/started", std::ios::app) << context.id().toString() << std::endl;
    if (hands) context.transferToPrincipal();
  };
  if (watches)
    step.onProgress = [](JobContext& context, double share, const std::string& text) {
      context.progress(share, text);
      std::ofstream(stageDirectory() + "/progress", std::ios::app) << share << " " << text << std::endl;
    };
  given = step;
}

void addTransferJobs(JobTypes& types) {
  types.add<TransferringJob<DownloadFileJob>>("fetch");
  types.add<TransferringJob<UploadFileJob>>("send");
  types.add<TransferringJob<RequestJob>>("ask");
}

}  // namespace callsheet::tests
