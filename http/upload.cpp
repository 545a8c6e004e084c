#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "callsheet/job_context.h"
#include "core/json_payload.h"
#include "http/http_failure.h"
#include "http/request_parameters.h"
#include "http/transfer.h"
#include "ipc/file_descriptor.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr int resumeIncomplete = 308;
// Of the answer. As JSON it may take twice as much, and a result has its limit.
constexpr std::size_t answerBytesMax = 512u << 10;

/// The result that an answer is, unless it is none.
std::string resultOf(const HttpEnd& end, const HttpText& answer) {
  requireAnswered(end, "the answer has more than " + std::to_string(answerBytesMax) + " bytes");
  requireSuccess(end, answer.text);
  return nlohmann::ordered_json{{"status", end.status},
                                {"contentType", replaceInvalidUtf8(answer.head.contentType)},
                                {"body", replaceInvalidUtf8(answer.text)}}
      .dump();
}

struct OpenedFile {
  FileDescriptor file;
  std::uint64_t bytes = 0;
};

OpenedFile open(const std::string& path) {
  if (!path.starts_with('/')) refuseParameters("path must be a file's whole path, from the root on");
  // Not to wait for the other end of what is a pipe.
  OpenedFile opened{FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK))};
  struct stat file {};
  if (!opened.file.isOpen() || ::fstat(opened.file.number(), &file) != 0)
    throw JobError("file", path + " cannot be read: " + std::strerror(errno), false);
  if (!S_ISREG(file.st_mode)) throw JobError("file", path + " is no file", false);
  opened.bytes = static_cast<std::uint64_t>(file.st_size);
  return opened;
}

/// What the far side says that it has of a file of that size.
struct Standing {
  std::uint64_t bytes = 0;
  std::optional<std::string> result;  ///< it has all of it
};

Standing askFor(HttpRequestOut request, std::uint64_t size) {
  request.body = std::string();
  request.headers.emplace_back("Content-Range", "bytes */" + std::to_string(size));
  HttpText answer(answerBytesMax);
  const HttpEnd end = exchange(request, answer, {});
  requireAnswered(end, "the answer has more than " + std::to_string(answerBytesMax) + " bytes");
  if (end.status >= 200 && end.status < 300) return {size, resultOf(end, answer)};
  if (mayPass(end.status)) requireSuccess(end, answer.text);
  unsigned long long last = 0;
  const bool says = end.status == resumeIncomplete && std::sscanf(end.range.c_str(), "bytes=0-%llu", &last) == 1;
  return {says && last + 1 < size ? last + 1 : 0, std::nullopt};
}
}  // namespace

std::string upload(const std::string& parameters, const std::string& id, const TellBytes& tell) {
  const auto said = requestParameters(parameters, {"path", "resumes"});
  HttpRequestOut request = requestOf(said, "PUT", id);
  if (!hasHeader(request, "Content-Type")) request.headers.emplace_back("Content-Type", "application/octet-stream");
  const OpenedFile opened = open(textAmong(said, "path", ""));
  const auto resumes = said.find("resumes");
  if (resumes != said.end() && !resumes->is_boolean()) refuseParameters("resumes must be true or false");
  HttpFileBody file{opened.file.number(), 0, opened.bytes, {}};
  if (resumes != said.end() && resumes->get<bool>() && opened.bytes > 0) {
    Standing standing = askFor(request, opened.bytes);
    if (standing.result) return *standing.result;
    file.offset = standing.bytes;
    file.bytes = opened.bytes - standing.bytes;
    request.headers.emplace_back("Content-Range", "bytes " + std::to_string(file.offset) + "-" +
                                                      std::to_string(opened.bytes - 1) + "/" +
                                                      std::to_string(opened.bytes));
  }
  file.sent = [&](std::uint64_t bytes) { tell(file.offset + bytes, opened.bytes); };
  request.file = file;
  HttpText answer(answerBytesMax);
  const HttpEnd end = exchange(request, answer, {});
  return resultOf(end, answer);
}

std::string makeRequest(const std::string& parameters, const std::string& id) {
  const auto said = requestParameters(parameters, {"text"});
  const std::string text = resolved(textAmong(said, "text", ""));
  HttpRequestOut request = requestOf(said, text.empty() ? "GET" : "POST", id);
  if (!text.empty()) request.body = text;
  HttpText answer(answerBytesMax);
  const HttpEnd end = exchange(request, answer, {});
  return resultOf(end, answer);
}

}  // namespace v1
}  // namespace callsheet
