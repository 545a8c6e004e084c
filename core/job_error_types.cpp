#include "callsheet/job_error_types.h"

#include <algorithm>

#include "callsheet/limits.h"

namespace callsheet {
inline namespace v1 {

std::optional<JobErrorTypes::Described> JobErrorTypes::describe(const std::exception_ptr& thrown) const {
  for (const Type& type : types_)
    if (auto described = type.describe(thrown)) return described;
  return std::nullopt;
}

void JobErrorTypes::raise(const JobFailure& failure) const {
  const auto type =
      std::find_if(types_.begin(), types_.end(), [&](const Type& one) { return one.name == failure.type; });
  if (type != types_.end()) type->raise(failure);
  throw JobError(failure);
}

void JobErrorTypes::insert(Type type) {
  if (type.name.empty() || type.name.size() > limits::textBytesMax)
    throw Error(ErrorKind::invalid, "an error type needs a name of at most 1024 bytes");
  if (std::any_of(types_.begin(), types_.end(), [&](const Type& one) { return one.name == type.name; }))
    throw Error(ErrorKind::usage, "the error type '" + type.name + "' was added twice");
  types_.push_back(std::move(type));
}

}  // namespace v1
}  // namespace callsheet
