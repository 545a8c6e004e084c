#pragma once
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

// Tests that need several real processes start the test binary again, in a role. Both sides talk in lines of text.
namespace callsheet::tests {

/// A role's end of the line to the test that started it. One thread at a time.
class RoleChannel {
 public:
  explicit RoleChannel(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {}
  [[nodiscard]] const std::vector<std::string>& arguments() const { return arguments_; }
  /// The value of the argument NAME=VALUE.
  [[nodiscard]] std::string argument(const std::string& name, const std::string& otherwise = {}) const;
  /// The next line from the test; nothing when the test is gone or has closed the line.
  [[nodiscard]] std::optional<std::string> readLine();
  void say(const std::string& line);

 private:
  std::vector<std::string> arguments_;
  std::string received_;
};

/// Makes a role known by its name: one static object for each. What the body returns is the exit code.
struct RoleRegistration {
  RoleRegistration(const std::string& name, std::function<int(RoleChannel&)> body);
};

/// Plays the role that the command line names and returns its exit code; nothing when the command line names none.
[[nodiscard]] std::optional<int> playRole(int argc, char** argv);

/// A process in a role, killed at the latest when this object goes. Lives on the test's thread.
class RoleProcess {
 public:
  using Environment = std::map<std::string, std::string>;
  static constexpr std::chrono::seconds patience{60};

  RoleProcess(const std::string& role, const std::vector<std::string>& arguments, const Environment& environment = {});
  ~RoleProcess();
  RoleProcess(RoleProcess&& other) noexcept;
  RoleProcess& operator=(RoleProcess&& other) noexcept;

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// To a dead process it is not sent.
  void send(const std::string& line);
  /// The next line; nothing when the process closed its end, as a dead one did. Throws when neither comes in time.
  [[nodiscard]] std::optional<std::string> readLine(std::chrono::milliseconds deadline = patience);
  [[nodiscard]] std::optional<std::string> ask(const std::string& line) {
    send(line);
    return readLine();
  }
  void signal(int number) const;
  /// SIGKILL, and waits until it is gone.
  void kill();
  /// Waits for its end; the status as waitpid gives it. Throws when it does not end in time.
  int waitForEnd(std::chrono::milliseconds deadline = patience);
  [[nodiscard]] bool hasEnded();
  /// Whether its end came by this signal.
  [[nodiscard]] bool endedBySignal(int number);

 private:
  void end() noexcept;

  pid_t pid_ = -1;
  int line_ = -1;
  std::optional<int> status_;
  std::string received_;
};

/// The words of a line, which single spaces separate.
[[nodiscard]] std::vector<std::string> wordsOf(const std::string& line);

}  // namespace callsheet::tests
