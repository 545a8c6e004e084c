#pragma once
#include <concepts>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "callsheet/errors.h"
#include "callsheet/job_context.h"
#include "callsheet/json_archive.h"

namespace callsheet {
inline namespace v1 {

/// An error that keeps its members when it is stored: a copyable struct with `serialize`, a default constructor, and
/// `static constexpr const char* errorType`, its name for ever. With `what()` it has a message too. With
/// `static constexpr bool isRetryable = false` it is final whatever the retry policy says.
template <class E>
concept StoredError = std::default_initializable<E> && std::copy_constructible<E> && requires {
  { E::errorType } -> std::convertible_to<std::string_view>;
};

/// The error of a stored failure as its own type; nothing when the failure is another's, or its members do not fit.
template <StoredError E>
[[nodiscard]] std::optional<E> errorAs(std::string_view type, const std::string& payload) {
  if (type != std::string_view(E::errorType)) return std::nullopt;
  try {
    return fromJson<E>(payload);
  } catch (const Error&) {
    return std::nullopt;
  }
}
template <StoredError E>
[[nodiscard]] std::optional<E> errorAs(const JobError& error) {
  return errorAs<E>(error.type(), error.payload());
}
template <StoredError E>
[[nodiscard]] std::optional<E> errorAs(const JobFailure& failure) {
  return errorAs<E>(failure.type, failure.payload);
}

/// The error types that a process knows. Whatever else is thrown is stored with the type "error" and its message.
class JobErrorTypes {
 public:
  template <StoredError E>
  void add() {
    insert({std::string(std::string_view(E::errorType)),
            [](const std::exception_ptr& thrown) -> std::optional<Described> {
              try {
                std::rethrow_exception(thrown);
              } catch (const E& error) {
                return describe(error);
              } catch (...) {
                return std::nullopt;
              }
            },
            [](const JobFailure& failure) {
              if (const auto error = errorAs<E>(failure)) throw *error;
            }});
  }

  struct Described {
    JobFailure failure;
    bool isRetryable = true;
  };
  /// What is thrown, when its type or one that it derives from was added.
  [[nodiscard]] std::optional<Described> describe(const std::exception_ptr& thrown) const;
  /// Throws the failure's own type when it was added, else a JobError.
  [[noreturn]] void raise(const JobFailure& failure) const;

 private:
  struct Type {
    std::string name;
    std::function<std::optional<Described>(const std::exception_ptr&)> describe;
    std::function<void(const JobFailure&)> raise;
  };
  template <class E>
  static Described describe(const E& error) {
    Described described;
    described.failure.type = E::errorType;
    if constexpr (requires {
                    { error.what() } -> std::convertible_to<std::string>;
                  })
      described.failure.message = error.what();
    else
      described.failure.message = E::errorType;
    described.failure.payload = toJson(error);
    if constexpr (requires {
                    { E::isRetryable } -> std::convertible_to<bool>;
                  })
      described.isRetryable = E::isRetryable;
    return described;
  }
  /// Error(usage) for a name that is there.
  void insert(Type type);

  std::vector<Type> types_;
};

}  // namespace v1
}  // namespace callsheet
