#pragma once
#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeindex>
#include <vector>

#include "callsheet/errors.h"
#include "callsheet/job_context.h"
#include "callsheet/json_archive.h"

namespace callsheet {
inline namespace v1 {

/// A plain struct with `serialize(archive)` and `execute(JobContext&)`; what `execute` returns is the job's result.
template <class Job>
concept ExecutableType = std::default_initializable<Job> && requires(Job job, JobContext& context) {
  job.execute(context);
};

/// The kinds that a process knows how to run. Built in main(), given to a director, not changed afterwards.
class JobTypes {
 public:
  /// One kind. Both functions may throw; what `run` throws becomes the job's failure.
  struct Type {
    std::string kind;
    std::uint32_t version = 1;
    /// Parameters in, result out, both JSON; an empty result is none.
    std::function<std::string(const std::string& parameters, JobContext& context)> run;
  };

  /// The kind is the job's name for ever: stored jobs find their type by it. A larger version marks another shape of
  /// the parameters; `serialize` then reads the older ones, and a job of a version that no process knows yet waits for
  /// one that does.
  template <ExecutableType Job>
  JobTypes& add(std::string_view kind, std::uint32_t version = 1) {
    Type type{std::string(kind), version,
              [](const std::string& parameters, JobContext& context) { return runOne<Job>(parameters, context); }};
    insert(std::move(type), std::type_index(typeid(Job)));
    return *this;
  }
  /// A kind that is no C++ type of its own.
  JobTypes& add(Type type);

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
  static std::string runOne(const std::string& parameters, JobContext& context) {
    Job job;
    inShape("payload", [&] { fromJson(parameters, job); });
    if constexpr (std::is_void_v<decltype(job.execute(context))>) {
      job.execute(context);
      return {};
    } else {
      const auto value = job.execute(context);
      std::string result;
      inShape("result", [&] { result = toJson(value); });
      return result;
    }
  }
  /// What cannot be read or written now never can be, so it is no use trying again.
  template <class Body>
  static void inShape(const char* type, Body body) {
    try {
      body();
    } catch (const Error& error) {
      throw JobError(type, error.what(), false);
    }
  }
  /// Error(invalid) for a bad kind, Error(usage) for one that is there.
  void insert(Type type, std::type_index index);

  std::map<std::string, Type, std::less<>> types_;
  std::map<std::type_index, std::string> kinds_;
};

}  // namespace v1
}  // namespace callsheet
