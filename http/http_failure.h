#pragma once
#include <string>

#include "http/http_request.h"

namespace callsheet {
inline namespace v1 {

/// Throws what a job fails with whose exchange gave no answer that counts: JobCanceled, or a JobError of type `http`
/// that says whether another try may do better. `rejection`: why its reader wanted no more.
void requireAnswered(const HttpEnd& end, const std::string& rejection);
/// The same for an answer whose status is none of success. `excerpt`: the beginning of its body.
void requireSuccess(const HttpEnd& end, const std::string& excerpt);

}  // namespace v1
}  // namespace callsheet
