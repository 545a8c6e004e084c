#pragma once
#include <string>
#include <string_view>

namespace callsheet {
inline namespace v1 {

/// Which part a director plays. There is one principal a store, and one living assistant a name; of executors, as many
/// as like, also of one name.
class JobDirectorMode {
 public:
  [[nodiscard]] static JobDirectorMode principal() { return JobDirectorMode({}); }
  /// The name's rules are those of JobDirectorID; Error(invalid) otherwise.
  [[nodiscard]] static JobDirectorMode assistant(std::string_view name);

  /// Has no queue of its own: it takes jobs out of the principal's, and submits to it. See Executor.
  [[nodiscard]] static JobDirectorMode executor(std::string_view name);

  [[nodiscard]] bool isPrincipal() const { return name_.empty(); }
  [[nodiscard]] bool isExecutor() const { return isExecutor_; }
  /// Whether it takes jobs out of the principal's queue.
  [[nodiscard]] bool servesPrincipalsQueue() const { return isPrincipal() || isExecutor_; }
  /// "principal", "assistant" or "executor".
  [[nodiscard]] std::string_view role() const {
    return isPrincipal() ? "principal" : isExecutor_ ? "executor" : "assistant";
  }
  /// Empty for the principal.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  explicit JobDirectorMode(std::string name, bool isExecutor = false)
      : name_(std::move(name)), isExecutor_(isExecutor) {}
  std::string name_;
  bool isExecutor_ = false;
};

}  // namespace v1
}  // namespace callsheet
