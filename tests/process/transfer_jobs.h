#pragma once
#include <string>

#include "callsheet/job_types.h"
#include "callsheet/transfers.h"

// Jobs whose one step transfers something, for the acceptance tests.
namespace callsheet::tests {

/// With `hands` it asks for its transfer to the principal when it has started its step; with `watches` it shows how far
/// that is. Each start adds a line to `started` in the stage's directory, each sign of progress one to `progress`.
template <class Step>
struct TransferringJob : SubmittableJob {
  std::string url;
  std::string path;  ///< of a request the text that it sends
  bool hands = false;
  bool watches = false;
  JobInput<typename Step::Value> given;

  void bindInputs();
  typename Step::Value execute() const { return *given; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(url), CEREAL_NVP(path), CEREAL_NVP(hands), CEREAL_NVP(watches), CEREAL_NVP(given));
  }
};

/// As the kinds `fetch`, `send` and `ask`.
void addTransferJobs(JobTypes& types);

}  // namespace callsheet::tests
