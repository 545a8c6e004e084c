#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <typeindex>
#include <utility>

namespace callsheet {
inline namespace v1 {

/// What a process hands to the jobs that it runs: clients, caches, settings, found by their type and a tag. Of
/// JobDirector::injections(); thread-safe. What was put there stays as long as the director.
class JobInjections {
 public:
  /// Error(usage) for a null, and for a type and tag that are there.
  template <class T>
  void set(std::shared_ptr<T> value, std::string_view tag = {}) {
    insert(std::type_index(typeid(T)), tag, std::move(value));
  }
  /// Null when there is none.
  template <class T>
  [[nodiscard]] T* find(std::string_view tag = {}) const {
    return static_cast<T*>(lookUp(std::type_index(typeid(T)), tag));
  }

 private:
  void insert(std::type_index type, std::string_view tag, std::shared_ptr<void> value);
  [[nodiscard]] void* lookUp(std::type_index type, std::string_view tag) const;

  mutable std::mutex mutex_;
  std::map<std::pair<std::type_index, std::string>, std::shared_ptr<void>> values_;  // guarded by mutex_
};

namespace detail {
/// Throws JobError("missing-injection") with the type's readable name.
[[noreturn]] void missInjection(std::type_index type, std::string_view tag);
}  // namespace detail

}  // namespace v1
}  // namespace callsheet
