#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "callsheet/job.h"
#include "callsheet/retry_policy.h"

// Steps that move a file over HTTP, or make a request. What goes over the wire is a job of its own, which a process of
// its own carries out: it goes on when the director that started it, and the principal, are dead. Its end ends the
// step's wait, whoever runs the step by then. A director runs such jobs if it has the `callsheet` command
// (JobDirectorOptions::program); where it has not, the principal does.
namespace callsheet {
inline namespace v1 {

/// What a transfer may tell while it goes on. Code, so no part of what the step is.
struct TransferHooks {
  /// Called once, when the transfer was started, in the director that started it: the place for
  /// `context.transferToPrincipal()`. Not called again when the step begins anew, so not at all when the process died
  /// just then.
  std::function<void(JobContext& context)> onStart;
  /// Share done, 0..1, and a text such as "3.1 of 10.0 MiB", about once a second; of a request there is none. While
  /// there is this, the step keeps its worker; without it the job is suspended until the transfer has ended.
  std::function<void(JobContext& context, double share, const std::string& text)> onProgress;
};

/// How often a transfer is tried: the next attempt of a download goes on where the last one stopped.
inline constexpr std::uint32_t transferAttempts = 3;
inline constexpr std::chrono::seconds transferDelay{2};

/// What all of them have.
struct TransferSettings {
  std::map<std::string, std::string> headers;  ///< `${env:NAME}` and `${file:PATH}` in them are read when it runs
  std::chrono::milliseconds connectTimeout = std::chrono::seconds{10};
  std::chrono::milliseconds idleTimeout = std::chrono::seconds{60};  ///< without a byte; 0: no limit
  RetryPolicy retry{.maxAttempts = transferAttempts, .firstDelay = transferDelay};
};

struct DownloadedFile {
  std::string path;
  std::uint64_t bytes = 0;
  std::string etag;  ///< as the far side gave it; empty: it gave none, or a weak one

  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(path), CEREAL_NVP(bytes), CEREAL_NVP(etag));
  }
};

/// Fetches a file with GET. It is `PATH.part` while it comes, and takes the place of PATH when it is whole and on the
/// disk.
struct DownloadFileJob : ResultJob<DownloadedFile>, TransferHooks, TransferSettings {
  static constexpr JobKind kind{"callsheet.download-file", 1};

  JobInput<std::string> url;
  JobInput<std::string> path;  ///< from the root on
  std::string sha256;          ///< in hexadecimal: what the file's must be; empty: any
  std::uint64_t bytesMax = 0;  ///< more than that fails it for good; 0: no limit

  DownloadedFile execute(JobContext& context);
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(url), CEREAL_NVP(path), CEREAL_NVP(headers), CEREAL_NVP(sha256), CEREAL_NVP(bytesMax));
  }
};

/// An answer that was read as a whole.
struct HttpAnswer {
  int status = 0;           ///< 200 to 299: any other fails the step, with the type `http`
  std::string contentType;  ///< empty: it had none
  std::string body;         ///< 512 KiB at most; what is not UTF-8 is replaced

  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(status), CEREAL_NVP(contentType), CEREAL_NVP(body));
  }
};

/// Sends a file as the body of a request. Another attempt begins from the start, unless `resumes` is set and the far
/// side says how much it has.
struct UploadFileJob : ResultJob<HttpAnswer>, TransferHooks, TransferSettings {
  static constexpr JobKind kind{"callsheet.upload-file", 1};

  JobInput<std::string> url;
  JobInput<std::string> path;  ///< from the root on
  std::string method = "PUT";
  /// Asks first, with an empty body and `Content-Range: bytes */SIZE`: a 308 with `Range: bytes=0-LAST` says what is
  /// there, and the rest is sent with its `Content-Range`.
  bool resumes = false;

  HttpAnswer execute(JobContext& context);
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(url), CEREAL_NVP(path), CEREAL_NVP(method), CEREAL_NVP(headers), CEREAL_NVP(resumes));
  }
};

/// Makes a request with a body that is at hand.
struct RequestJob : ResultJob<HttpAnswer>, TransferHooks, TransferSettings {
  static constexpr JobKind kind{"callsheet.make-request", 1};

  JobInput<std::string> url;
  std::string method;                          ///< empty: POST with a body, GET without
  JobInput<std::string> text = std::string();  ///< the body; empty: none

  HttpAnswer execute(JobContext& context);
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(url), CEREAL_NVP(method), CEREAL_NVP(headers), CEREAL_NVP(text));
  }
};

}  // namespace v1
}  // namespace callsheet
