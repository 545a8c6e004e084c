#include "callsheet/job_injections.h"

#include <cxxabi.h>

#include <cstdlib>

#include "callsheet/errors.h"
#include "callsheet/job_context.h"

namespace callsheet {
inline namespace v1 {

namespace {
std::string readable(std::type_index type, std::string_view tag) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(type.name(), nullptr, nullptr, &status),
                                                    std::free);
  return std::string(status == 0 ? name.get() : type.name()) + (tag.empty() ? "" : " \"" + std::string(tag) + '"');
}
}  // namespace

void JobInjections::insert(std::type_index type, std::string_view tag, std::shared_ptr<void> value) {
  if (!value) throw Error(ErrorKind::usage, "nothing was given to inject as " + readable(type, tag));
  const std::lock_guard lock(mutex_);
  if (!values_.emplace(std::pair(type, std::string(tag)), std::move(value)).second)
    throw Error(ErrorKind::usage, readable(type, tag) + " was injected twice; give the second another tag");
}

void* JobInjections::lookUp(std::type_index type, std::string_view tag) const {
  const std::lock_guard lock(mutex_);
  const auto found = values_.find(std::pair(type, std::string(tag)));
  return found == values_.end() ? nullptr : found->second.get();
}

namespace detail {
void missInjection(std::type_index type, std::string_view tag) {
  throw JobError("missing-injection",
                 "this director has no " + readable(type, tag) + "; put it into its injections() before it starts");
}
}  // namespace detail

}  // namespace v1
}  // namespace callsheet
