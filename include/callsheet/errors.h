#pragma once
#include <stdexcept>
#include <string>
#include <string_view>

namespace callsheet {
inline namespace v1 {

/// What a caller should do next about an Error. Each kind has one documented exit code of the command (docs/errors.md).
enum class ErrorKind {
  usage,        ///< the call or command line is wrong: correct it (exit 2)
  notFound,     ///< no such store, job or director (exit 3)
  invalid,      ///< the input was understood and refused: a name, a payload, a limit (exit 4)
  conflict,     ///< somebody else holds what was asked for: a second principal, a living name (exit 75)
  fenced,       ///< this director's incarnation was closed by somebody else; its work goes on elsewhere (exit 76)
  unsupported,  ///< a newer format, a remote filesystem, another PID namespace (exit 78)
  permission,   ///< another user's store, or no access to it (exit 77)
  corrupt,      ///< the store or a record in it is damaged (exit 65)
  storeFull,    ///< the map or the disk is full; deletes still work (exit 73)
  io,           ///< the operating system refused (exit 74)
  unavailable,  ///< not now: a deadline passed, the outcome may be unknown; repeat with the same ids (exit 69)
};

[[nodiscard]] std::string_view toString(ErrorKind kind);
[[nodiscard]] int exitCodeOf(ErrorKind kind);

/// The environment is broken or a call is wrong. Expected outcomes are return values instead.
/// what() is one sentence that says what happened and, where something can be done, what.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& sentence) : std::runtime_error(sentence), kind_(kind) {}
  [[nodiscard]] ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

/// "SENTENCE: strerror (errno N)" with the fitting kind; for a failed system call.
[[nodiscard]] Error systemError(const std::string& sentence, int errnoValue);

}  // namespace v1
}  // namespace callsheet
