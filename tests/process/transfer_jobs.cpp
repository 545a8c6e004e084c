#include "tests/process/transfer_jobs.h"

#include <fstream>

#include "tests/process/test_jobs.h"

namespace callsheet::tests {

TransferHooks TransferringJob::hooks() const {
  TransferHooks hooks;
  hooks.onStart = [hands = hands](JobContext& context) {
    std::ofstream(stageDirectory() + "/started", std::ios::app) << context.id().toString() << std::endl;
    if (hands) context.transferToPrincipal();
  };
  if (watches)
    hooks.onProgress = [](JobContext& context, double share, const std::string& text) {
      context.progress(share, text);
      std::ofstream(stageDirectory() + "/progress", std::ios::app) << share << " " << text << std::endl;
    };
  return hooks;
}

void FetchJob::bindInputs() {
  DownloadFileJob download;
  static_cast<TransferHooks&>(download) = hooks();
  download.retry.firstDelay = std::chrono::milliseconds{200};
  download.url = url;
  download.path = path;
  file = download;
}

void SendJob::bindInputs() {
  UploadFileJob upload;
  static_cast<TransferHooks&>(upload) = hooks();
  upload.retry.firstDelay = std::chrono::milliseconds{200};
  upload.url = url;
  upload.path = path;
  answer = upload;
}

void AskJob::bindInputs() {
  RequestJob request;
  static_cast<TransferHooks&>(request) = hooks();
  request.retry.firstDelay = std::chrono::milliseconds{200};
  request.url = url;
  request.headers = {{"X-Mine", "yes"}};
  request.text = path;
  answer = request;
}

void addTransferJobs(JobTypes& types) {
  types.add<FetchJob>("fetch").add<SendJob>("send").add<AskJob>("ask");
}

}  // namespace callsheet::tests
