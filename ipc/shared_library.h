#pragma once
#include <string>
#include <type_traits>

namespace callsheet {
inline namespace v1 {

/// A library of the system that is loaded only when it is needed, and then stays until the process ends. For one that
/// brings so much with it that every start of a process would pay for what few of them use. Thread-safe.
class SharedLibrary {
 public:
  /// `file` is its name as the dynamic loader looks for it. Throws Error(unsupported) when it cannot be loaded.
  explicit SharedLibrary(const char* file);

  /// Throws Error(unsupported) when it has none of that name.
  template <class Function>
  [[nodiscard]] Function* function(const char* name) const {
    return reinterpret_cast<Function*>(find(name));
  }

 private:
  [[nodiscard]] void* find(const char* name) const;

  const std::string file_;
  void* const handle_;
};

/// Of the library that `library` gives, the function that is declared as `ours` is, under its name; looked for once.
template <auto* library, auto* ours>
[[nodiscard]] auto* functionOf(const char* name) {
  static auto* const found = library().template function<std::remove_pointer_t<decltype(ours)>>(name);
  return found;
}

}  // namespace v1
}  // namespace callsheet
