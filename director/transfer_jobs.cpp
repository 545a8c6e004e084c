// The steps of callsheet/transfers.h. Each starts a job of its own for what goes over the wire, once, and waits until
// that has answered: the job that moves the bytes knows whose wait it ends.
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "callsheet/errors.h"
#include "callsheet/job_director.h"
#include "callsheet/transfers.h"
#include "core/hashed_job_id.h"
#include "core/names.h"
#include "core/running_attempt.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::string_view waitName = "transfer";
constexpr std::chrono::milliseconds lookPeriod{500};

/// The same for every attempt of the step whose wait that is.
JobID transferIDOf(const ExternalJobKey& answers) {
  detail::CanonicalBytes name;
  name.text("transfer");
  name.id(answers.job.value);
  name.id(answers.wait.value);
  return hashedJobID(name.fingerprint(), utcMillisOf(answers.job));
}

/// As long as room in the store may take to come, unless the job is to end.
void waitAWhile(const JobContext& context) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any().wait_for(lock, context.stopToken(), lookPeriod, [] { return false; });
}

/// Submits a transfer, and gives its job's id.
struct StartTransfer : ResultJob<JobID> {
  static constexpr JobKind kind{"callsheet.start-transfer", 1};

  ExternalJobKey answers;
  std::string transfer;  ///< its kind; like all below no part of what this step is, which the key says
  std::string parameters;
  RetryPolicy retry;
  std::shared_ptr<bool> wasStarted;  ///< set when this very call has done it

  JobID execute(JobContext& context) {
    SubmitOptions options;
    options.id = transferIDOf(answers);
    options.answers = answers;
    options.retry = retry;
    const Submission submission = context.director().submitJson(transfer, parameters, options);
    // Nothing that the job could do about it: it is tried again as it is.
    if (submission.outcome == Submission::Outcome::unavailable) {
      waitAWhile(context);
      throw AttemptNotBegun{submission.why};
    }
    // An earlier attempt, perhaps of another version of the program, may have started it just before it died.
    if (!submission.isAccepted() && !context.director().status(options.id))
      throw JobError("refused", submission.why, false);
    *wasStarted = true;
    return options.id;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(answers));
  }
};

void showProgress(JobContext& context, JobID transfer, const TransferHooks& hooks) {
  std::string shown;
  while (!context.isCanceled()) {
    const auto status = context.director().wait(transfer, lookPeriod);
    if (!status || status->isDone()) return;
    if (status->progressText.empty() || status->progressText == shown) continue;
    shown = status->progressText;
    hooks.onProgress(context, status->progress, shown);
  }
  throw JobCanceled{};
}

template <class T>
T transferred(JobContext& context, const char* kind, std::string parameters, const TransferHooks& hooks,
              const TransferSettings& settings) {
  StartTransfer start;
  start.transfer = kind;
  start.parameters = std::move(parameters);
  start.answers = context.externalKey(waitName);
  start.retry = settings.retry;
  start.wasStarted = std::make_shared<bool>(false);
  const JobID transfer = context.run(start);
  if (*start.wasStarted && hooks.onStart) hooks.onStart(context);
  if (hooks.onProgress) showProgress(context, transfer, hooks);
  return context.await<T>(waitName);
}

/// The parameters of a transfer as they are stored, from those of its step.
template <class Job>
struct Parameters {
  const Job& job;

  template <class Archive>
  void save(Archive& archive) const {
    archive(cereal::make_nvp("url", *job.url), cereal::make_nvp("headers", job.headers),
            cereal::make_nvp("connectTimeout", job.connectTimeout.count()),
            cereal::make_nvp("idleTimeout", job.idleTimeout.count()));
    saveRest(archive, job);
  }

 private:
  template <class Archive>
  static void saveRest(Archive& archive, const DownloadFileJob& job) {
    archive(cereal::make_nvp("path", *job.path), cereal::make_nvp("sha256", job.sha256),
            cereal::make_nvp("bytesMax", job.bytesMax));
  }
  template <class Archive>
  static void saveRest(Archive& archive, const UploadFileJob& job) {
    archive(cereal::make_nvp("method", job.method), cereal::make_nvp("path", *job.path),
            cereal::make_nvp("resumes", job.resumes));
  }
  template <class Archive>
  static void saveRest(Archive& archive, const RequestJob& job) {
    const auto method = job.method.empty() ? std::optional<std::string>() : job.method;
    archive(cereal::make_nvp("method", method), cereal::make_nvp("text", *job.text));
  }
};
}  // namespace

DownloadedFile DownloadFileJob::execute(JobContext& context) {
  return transferred<DownloadedFile>(context, downloadKind, toJson(Parameters<DownloadFileJob>{*this}), *this, *this);
}

HttpAnswer UploadFileJob::execute(JobContext& context) {
  return transferred<HttpAnswer>(context, uploadKind, toJson(Parameters<UploadFileJob>{*this}), *this, *this);
}

HttpAnswer RequestJob::execute(JobContext& context) {
  return transferred<HttpAnswer>(context, requestKind, toJson(Parameters<RequestJob>{*this}), *this, *this);
}

}  // namespace v1
}  // namespace callsheet
