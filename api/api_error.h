#pragma once
#include <stdexcept>
#include <string>

#include "api/json.h"
#include "callsheet/errors.h"
#include "core/verbs.h"

namespace callsheet {
inline namespace v1 {

/// Why a call is refused, as its answer says it: `{"error":{"type","message"}}`. docs/api.md lists the types.
class ApiError : public std::runtime_error {
 public:
  ApiError(int status, std::string type, const std::string& sentence)
      : std::runtime_error(sentence), status_(status), type_(std::move(type)) {}
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] const std::string& type() const { return type_; }
  [[nodiscard]] Json toJson() const;

 private:
  int status_;
  std::string type_;
};

namespace errorTypes {
inline constexpr const char* invalidBody = "rpc/invalid-body";
inline constexpr const char* invalidParams = "rpc/invalid-params";
inline constexpr const char* unknownMethod = "rpc/unknown-method";
inline constexpr const char* notFound = "awf.task/not-found";
inline constexpr const char* alreadyExists = "awf.task/already-exists";
inline constexpr const char* wrongExecID = "awf.task/exec-id-not-valid";
inline constexpr const char* notStarted = "awf.task/not-started";
inline constexpr const char* hasBeenStarted = "awf.task/has-been-started";
inline constexpr const char* hasBeenDone = "awf.task/has-been-done";
inline constexpr const char* unknownDefinition = "awf.task/unknown-definition";
inline constexpr const char* schemaMismatch = "awf.task/schema-mismatch";
inline constexpr const char* definitionNotFound = "definition/not-found";
inline constexpr const char* definitionInvalid = "definition/invalid";
inline constexpr const char* internal = "http/internal";
inline constexpr const char* notThere = "store/not-found";
inline constexpr const char* storeFull = "store/full";
inline constexpr const char* storeUnavailable = "store/unavailable";
inline constexpr const char* storeCorrupt = "store/corrupt";
}  // namespace errorTypes

/// Of what a read of the store threw.
[[nodiscard]] ApiError errorOf(const Error& error);
/// What a verdict that is none of a job's own says: the store is full, did not answer in time, refused a value.
[[nodiscard]] ApiError errorOf(const Answer& answer);
/// Of a verb that names a job.
[[nodiscard]] ApiError errorOf(const Verb& verb, JobID job, const AttemptAnswer& answer);

}  // namespace v1
}  // namespace callsheet
