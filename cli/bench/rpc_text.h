#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The least of HTTP and JSON that a client of the API needs. What comes is searched, not parsed, so that the client
// takes little of the processors that the server is measured on.
namespace callsheet {
inline namespace v1 {

/// A whole request with a JSON body.
[[nodiscard]] std::string httpPost(std::string_view path, std::string_view body);

struct HttpAnswer {
  int status = 0;
  std::string_view body;
  std::size_t size = 0;  ///< of all of it
};
/// The answer at the front of what came; nothing while it is incomplete. Throws BenchFailure when it is no HTTP.
[[nodiscard]] std::optional<HttpAnswer> firstHttpAnswer(std::string_view received);

/// An attempt at a task, as a poll hands it out.
struct RpcTask {
  std::string id;
  std::string execID;
};

/// The kind of all tasks that the bench makes over the API.
inline constexpr const char* rpcKind = "bench/rpc";

// Calls of methods, as the body of a request: one call alone, several as an array.
[[nodiscard]] std::string createCalls(std::size_t count);
[[nodiscard]] std::string pollCall(std::size_t max);
/// With a time-out in milliseconds.
[[nodiscard]] std::string longPollCall(std::size_t max, long timeout);
[[nodiscard]] std::string startCalls(const std::vector<RpcTask>& tasks);
[[nodiscard]] std::string successCalls(const std::vector<RpcTask>& tasks);

/// The texts of all members of that name, in order.
[[nodiscard]] std::vector<std::string> textsOf(std::string_view body, std::string_view member);
/// The tasks that a poll's answer hands out. Throws BenchFailure when an id or execId is missing.
[[nodiscard]] std::vector<RpcTask> tasksIn(std::string_view body);
/// Throws BenchFailure unless the answer is 200 without any error.
void requireAccepted(const HttpAnswer& answer, std::string_view what);

}  // namespace v1
}  // namespace callsheet
