#pragma once
#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeindex>
#include <vector>

#include "callsheet/detached_job.h"
#include "callsheet/errors.h"
#include "callsheet/job_context.h"
#include "callsheet/job_error_types.h"
#include "callsheet/job_steps.h"
#include "callsheet/json_archive.h"
#include "callsheet/struct_node.h"

namespace callsheet {
inline namespace v1 {

/// A plain struct with `serialize(archive)` and `execute()` or `execute(JobContext&)`; what `execute` returns is the
/// job's result. It may have JobInputs (callsheet/job.h).
template <class Job>
concept ExecutableType = std::default_initializable<Job> && std::copy_constructible<Job> &&(
    requires(Job job, JobContext& context) { job.execute(context); } || requires(Job job) { job.execute(); });

/// The kinds that a process knows how to run. Built in main(), given to a director, not changed afterwards.
class JobTypes {
 public:
  /// Begins a job and returns soon: it is called on one of four threads. What it throws becomes the job's failure.
  using BeginDetached = std::function<void(const std::string& parameters, std::shared_ptr<DetachedJob> job)>;

  /// One kind.
  struct Type {
    std::string kind;
    std::uint32_t version = 1;
    /// The root of a job's tree, from its parameters. What it throws becomes the job's failure.
    std::function<std::shared_ptr<const detail::Node>(const std::string& parameters)> make;
    /// In place of it, of a kind that needs no thread while it runs.
    BeginDetached begin{};
  };

  /// The kind is the job's name for ever: stored jobs find their type by it. A larger version marks another shape of
  /// the parameters; `serialize` then reads the older ones, and a job of a version that no process knows yet waits for
  /// one that does.
  template <ExecutableType Job>
  JobTypes& add(std::string_view kind, std::uint32_t version = 1) {
    Type type{std::string(kind), version, [name = std::string(kind), version](const std::string& parameters) {
                return makeRoot<Job>(name, version, parameters);
              }};
    insert(std::move(type), std::type_index(typeid(Job)));
    return *this;
  }
  /// A type that says its kind itself: `static constexpr JobKind kind{"name", version}`.
  template <ExecutableType Job>
  requires requires {
    { Job::kind } -> std::convertible_to<JobKind>;
  }
  JobTypes& add() {
    constexpr JobKind kind = Job::kind;
    return add<Job>(kind.name, kind.version);
  }
  /// A kind that is no C++ type of its own: `run` gets the parameters and gives the result, both JSON; an empty result
  /// is none. What it throws becomes the job's failure.
  JobTypes& add(std::string_view kind, std::uint32_t version,
                std::function<std::string(const std::string& parameters, JobContext& context)> run);

  /// The same of one whose jobs need no thread while they run. It should be among the director's waiting kinds
  /// (JobDirectorOptions::waiting), or each takes a worker's place.
  JobTypes& addDetached(std::string_view kind, std::uint32_t version, BeginDetached begin);

  /// An error that jobs throw and that keeps its members when it is stored (callsheet/job_error_types.h).
  template <StoredError E>
  JobTypes& addError() {
    errors_.add<E>();
    return *this;
  }

  [[nodiscard]] const JobErrorTypes& errors() const { return errors_; }
  [[nodiscard]] const Type* find(std::string_view kind) const;
  /// Error(usage) for a type that was not added.
  [[nodiscard]] const Type& typeOf(std::type_index index) const;
  template <class Job>
  [[nodiscard]] const Type& typeOf() const {
    return typeOf(std::type_index(typeid(Job)));
  }
  [[nodiscard]] std::vector<std::string> kinds() const;

 private:
  template <class Job>
  static std::shared_ptr<const detail::Node> makeRoot(const std::string& kind, std::uint32_t version,
                                                      const std::string& parameters) {
    Job job;
    try {
      fromJson(parameters, job);
    } catch (const Error& error) {
      // What cannot be read now never can be, so it is no use trying again.
      throw JobError("payload", error.what(), false);
    }
    return std::make_shared<detail::StructNode<Job>>(std::move(job), kind, version);
  }
  /// Error(invalid) for a bad kind, Error(usage) for one that is there.
  void insert(Type type);
  void insert(Type type, std::type_index index);

  std::map<std::string, Type, std::less<>> types_;
  std::map<std::type_index, std::string> kinds_;
  JobErrorTypes errors_;
};

}  // namespace v1
}  // namespace callsheet
