#pragma once
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <typeindex>
#include <utility>

#include "callsheet/errors.h"
#include "callsheet/job_context.h"
#include "callsheet/job_injections.h"

namespace callsheet {
inline namespace v1 {

/// The context of the job that runs on this thread; null when none does.
[[nodiscard]] JobContext* currentJobContext();

namespace detail {
/// Makes a context the thread's own for a while.
class CurrentContext {
 public:
  explicit CurrentContext(JobContext& context);
  ~CurrentContext();
  CurrentContext(const CurrentContext&) = delete;
  CurrentContext& operator=(const CurrentContext&) = delete;

 private:
  JobContext* before_;
};
/// Error(usage) when no job runs on this thread.
[[nodiscard]] JobContext& requireJobContext();

struct DirectorOf {
  JobDirector& operator()(JobContext& context) const { return context.director(); }
};
struct ContextOf {
  JobContext& operator()(JobContext& context) const { return context; }
};
struct KeyOf {
  StepKey operator()(JobContext& context) const { return {context.id(), context.step()}; }
};
struct ExternalKeyOf {
  ExternalJobKey operator()(JobContext& context) const { return context.externalKey("external"); }
};

/// A text as a template's argument.
template <std::size_t size>
struct FixedText {
  char text[size]{};
  constexpr FixedText(const char (&from)[size]) {
    for (std::size_t i = 0; i < size; ++i) text[i] = from[i];
  }
  [[nodiscard]] constexpr std::string_view view() const { return {text, size - 1}; }
};
}  // namespace detail

/// What a running job may ask its surroundings for.
namespace env {
inline constexpr detail::DirectorOf currentJobDirector{};
inline constexpr detail::ContextOf dynamicJobs{};  ///< `run` and `result`
inline constexpr detail::ContextOf currentJob{};
inline constexpr detail::KeyOf currentJobKey{};        ///< the StepKey
inline constexpr detail::ExternalKeyOf externalKey{};  ///< of the step's wait "external": `await<T>("external")`
}  // namespace env

/// A member of a job through which its code reaches its surroundings without a parameter:
/// `JobEnvironmentValue<env::currentJobDirector> director;`. Valid inside `execute` and the functions of modifiers, on
/// the thread that they are called on; Error(usage) elsewhere. No part of the job's parameters.
template <auto key>
class JobEnvironmentValue {
 public:
  [[nodiscard]] decltype(auto) operator*() const { return key(detail::requireJobContext()); }
  [[nodiscard]] auto* operator->() const requires std::is_reference_v<decltype(key(std::declval<JobContext&>()))> {
    return &**this;
  }
};

/// A member of a job through which its code reaches something that the process gave to its director:
/// `director.injections().set(client, "eu")` and `JobInject<HttpClient, "eu"> client;`. Valid where a
/// JobEnvironmentValue is; JobError("missing-injection") when there is none. No part of the job's parameters.
template <class T, detail::FixedText tag = "">
class JobInject {
 public:
  [[nodiscard]] T& operator*() const {
    if (T* found = detail::requireJobContext().injections().template find<T>(tag.view())) return *found;
    detail::missInjection(std::type_index(typeid(T)), tag.view());
  }
  [[nodiscard]] T* operator->() const { return &**this; }
};

}  // namespace v1
}  // namespace callsheet
