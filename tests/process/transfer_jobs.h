#pragma once
#include <string>

#include "callsheet/job_types.h"
#include "callsheet/transfers.h"

// Jobs whose steps transfer something, for the acceptance tests.
namespace callsheet::tests {

/// What they have in common: with `hands` each asks for its transfer to the principal when it has started its step;
/// with `watches` it shows how far that is. Each start adds a line to `started` in the stage's directory.
struct TransferringJob {
  std::string url;
  std::string path;
  bool hands = false;
  bool watches = false;

  [[nodiscard]] TransferHooks hooks() const;
};

struct FetchJob : SubmittableJob, TransferringJob {
  JobInput<DownloadedFile> file;
  void bindInputs();
  DownloadedFile execute() const { return *file; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(url), CEREAL_NVP(path), CEREAL_NVP(hands), CEREAL_NVP(watches), CEREAL_NVP(file));
  }
};

struct SendJob : SubmittableJob, TransferringJob {
  JobInput<HttpAnswer> answer;
  void bindInputs();
  HttpAnswer execute() const { return *answer; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(url), CEREAL_NVP(path), CEREAL_NVP(hands), CEREAL_NVP(watches), CEREAL_NVP(answer));
  }
};

/// Sends `path` as the body itself.
struct AskJob : SubmittableJob, TransferringJob {
  JobInput<HttpAnswer> answer;
  void bindInputs();
  HttpAnswer execute() const { return *answer; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(url), CEREAL_NVP(path), CEREAL_NVP(hands), CEREAL_NVP(watches), CEREAL_NVP(answer));
  }
};

/// As the kinds `fetch`, `send` and `ask`.
void addTransferJobs(JobTypes& types);

}  // namespace callsheet::tests
