#pragma once
#include "callsheet/errors.h"
#include "callsheet/job_context.h"

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
}  // namespace detail

/// What a running job may ask its surroundings for.
namespace env {
inline constexpr detail::DirectorOf currentJobDirector{};
inline constexpr detail::ContextOf dynamicJobs{};  ///< `run` and `result`
inline constexpr detail::ContextOf currentJob{};
}  // namespace env

/// A member of a job through which its code reaches its surroundings without a parameter:
/// `JobEnvironmentValue<env::currentJobDirector> director;`. Valid inside `execute` and the functions of modifiers, on
/// the thread that they are called on; Error(usage) elsewhere. No part of the job's parameters.
template <auto key>
class JobEnvironmentValue {
 public:
  [[nodiscard]] auto& operator*() const { return key(detail::requireJobContext()); }
  [[nodiscard]] auto* operator->() const { return &**this; }
};

}  // namespace v1
}  // namespace callsheet
