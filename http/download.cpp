#include <cctype>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "callsheet/job_context.h"
#include "http/http_failure.h"
#include "http/part_file.h"
#include "http/request_parameters.h"
#include "http/transfer.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr int partialContent = 206;
constexpr int rangeNotSatisfiable = 416;

struct Order {
  HttpRequestOut request;
  std::string url;  ///< without its secrets
  std::string path;
  std::string sha256;
  std::uint64_t bytesMax = 0;
};

Order orderFrom(const std::string& text, const std::string& id) {
  const auto parameters = requestParameters(text, {"path", "sha256", "bytesMax"});
  Order order;
  order.request = requestOf(parameters, "GET", id);
  order.request.takesEncoded = false;  // or a range would be one of what is compressed
  order.request.headers.emplace_back("Accept-Encoding", "identity");
  order.url = textAmong(parameters, "url", "");
  order.path = textAmong(parameters, "path", "");
  if (!order.path.starts_with('/')) refuseParameters("path must be a file's whole path, from the root on");
  if (order.path.ends_with('/') || order.path.find('\0') != std::string::npos) refuseParameters("path names no file");
  order.sha256 = textAmong(parameters, "sha256", "");
  const bool isHash =
      order.sha256.size() == 64 && order.sha256.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  if (!order.sha256.empty() && !isHash) refuseParameters("sha256 must be 64 hexadecimal digits");
  for (char& digit : order.sha256) digit = static_cast<char>(std::tolower(static_cast<unsigned char>(digit)));
  order.bytesMax = numberAmong(parameters, "bytesMax", 0);
  return order;
}

/// "bytes FROM-TO/TOTAL" or "bytes */TOTAL", as a Content-Range has it.
struct ContentRange {
  std::optional<std::uint64_t> from;
  std::optional<std::uint64_t> total;
};
ContentRange contentRangeOf(const std::string& text) {
  ContentRange range;
  unsigned long long from = 0;
  unsigned long long to = 0;
  unsigned long long total = 0;
  const int found = std::sscanf(text.c_str(), "bytes %llu-%llu/%llu", &from, &to, &total);
  if (found >= 2) range.from = from;
  if (found == 3 || std::sscanf(text.c_str(), "bytes */%llu", &total) == 1) range.total = total;
  return range;
}

/// A range can follow only on the very bytes that it is a range of.
std::string strong(const std::string& etag) {
  return etag.starts_with("W/") ? std::string() : etag;
}

/// Writes an answer into its part file.
class Download final : public HttpAnswerReader {
 public:
  Download(PartFile& part, std::uint64_t bytesMax, const TellBytes& tell)
      : part_(part), bytesMax_(bytesMax), tell_(tell) {}

  void begin(const HttpHead& head) override {
    this->head = head;
    const ContentRange range = contentRangeOf(head.contentRange);
    if (head.status == partialContent) {
      follows = range.from == part_.bytes() && (head.etag.empty() || strong(head.etag) == part_.etag());
      total = range.total;
    } else if (isGood()) {
      total = head.length;
      attempt([&] { part_.restart(strong(head.etag)); });
    } else {
      total = range.total;
    }
  }

  [[nodiscard]] bool take(std::string_view bytes) override {
    if (!isGood()) {
      excerpt += bytes.substr(0, excerptBytes - excerpt.size());
      return true;
    }
    if (!follows || trouble) return false;
    isTooLarge = bytesMax_ > 0 && (part_.bytes() + bytes.size() > bytesMax_ || total.value_or(0) > bytesMax_);
    if (isTooLarge) return false;
    attempt([&] { part_.append(bytes); });
    tell_(part_.bytes(), total);
    return !trouble;
  }

  [[nodiscard]] bool isGood() const { return head.status >= 200 && head.status < 300; }

  HttpHead head;
  bool follows = true;  ///< what came is what comes next
  bool isTooLarge = false;
  std::optional<std::uint64_t> total;
  std::string excerpt;
  std::optional<JobError> trouble;  ///< of the disk

 private:
  /// Nothing may be thrown through the library that calls.
  template <class Work>
  void attempt(const Work& work) {
    try {
      work();
    } catch (const JobError& error) {
      trouble = error;
    }
  }
  PartFile& part_;
  const std::uint64_t bytesMax_;
  const TellBytes& tell_;
};

/// Asks for what is missing. False: what is there is of no use, and all is to be asked for.
bool fetchRest(const Order& order, PartFile& part, const TellBytes& tell) {
  HttpRequestOut request = order.request;
  const bool isRest = part.bytes() > 0 && !part.etag().empty();
  if (isRest) {
    request.headers.emplace_back("Range", "bytes=" + std::to_string(part.bytes()) + "-");
    request.headers.emplace_back("If-Range", part.etag());
  }
  Download answer(part, order.bytesMax, tell);
  const HttpEnd end = exchange(request, answer, {});
  if (answer.trouble) throw JobError(*answer.trouble);
  if (!answer.follows) return false;
  if (answer.isTooLarge) throw JobError("http", "it has more than " + std::to_string(order.bytesMax) + " bytes", false);
  requireAnswered(end, {});
  if (isRest && end.status == rangeNotSatisfiable) return answer.total == part.bytes();
  requireSuccess(end, answer.excerpt);
  if (answer.total.value_or(part.bytes()) != part.bytes())
    throw JobError("http", std::to_string(part.bytes()) + " bytes have come of " + std::to_string(*answer.total));
  return true;
}
}  // namespace

std::vector<std::string> filesOnTheWay(const std::string& parameters) {
  const auto json = nlohmann::json::parse(parameters, nullptr, false);
  if (!json.is_object() || !json.contains("path") || !json["path"].is_string()) return {};
  return PartFile::filesFor(json["path"].get<std::string>());
}

std::string download(const std::string& parameters, const std::string& id, const TellBytes& tell) {
  const Order order = orderFrom(parameters, id);
  PartFile part(order.path, order.url);
  tell(part.bytes(), std::nullopt);
  try {
    if (!fetchRest(order, part, tell)) {
      part.restart({});
      if (!fetchRest(order, part, tell)) throw JobError("http", "the answer is a range that nobody asked for", false);
    }
    part.finish(order.sha256);
  } catch (const JobError& error) {
    if (!error.isRetryable() || part.etag().empty()) part.remove();
    throw;
  }
  return nlohmann::ordered_json{{"path", order.path}, {"bytes", part.bytes()}, {"etag", part.etag()}}.dump();
}

}  // namespace v1
}  // namespace callsheet
