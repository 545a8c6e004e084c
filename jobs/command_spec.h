#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "callsheet/archive_dispatch.h"

namespace callsheet {
inline namespace v1 {

/// A command to run: the parameters of a job of kind callsheet.command. What is not set is as its director has it.
struct CommandSpec {
  std::vector<std::string> argv;
  std::map<std::string, std::string> env{};    ///< beside PATH, HOME, LANG and their like of the director's environment
  std::string cwd{};                           ///< empty: the director's
  std::optional<std::string> stdinFile{};      ///< what it reads; nothing: /dev/null
  std::optional<std::string> input{};          ///< the same as text
  std::optional<std::string> umask{};          ///< octal; nothing: 022
  std::optional<int> nice{};                   ///< -20 to 19
  std::optional<std::string> ionice{};         ///< `idle`, or `best-effort` or `realtime` with `:0` to `:7` behind it
  std::optional<std::uint64_t> memoryBytes{};  ///< of address space, each process
  std::optional<std::uint64_t> cpuSeconds{};   ///< each process
  std::optional<std::int64_t> graceMs{};       ///< between TERM and KILL; nothing: 5 s
  std::optional<bool> separateStderr{};        ///< into a file of its own
  std::optional<std::uint64_t> outputMaxBytes{};  ///< of each output that are kept; nothing: 1 GiB
  bool result = false;                            ///< it has a descriptor for its result; not of parameters
  std::optional<bool> taskCodes{};                ///< it exits with the low byte of a task's code (jobs/task_machine.h)

  template <class Archive>
  void save(Archive& archive) const {
    archive(CEREAL_NVP(argv), CEREAL_NVP(env), CEREAL_NVP(cwd));
    eachOption(*this, [&archive](const char* name, const auto& value) {
      if (value) archive(cereal::make_nvp(name, *value));
    });
  }
  /// People who write the parameters by hand need to name the program only.
  template <class Archive>
  void load(Archive& archive) {
    std::optional<std::map<std::string, std::string>> givenEnv;
    std::optional<std::string> givenCwd;
    archive(CEREAL_NVP(argv), cereal::make_nvp("env", givenEnv), cereal::make_nvp("cwd", givenCwd));
    env = std::move(givenEnv).value_or(std::map<std::string, std::string>{});
    cwd = std::move(givenCwd).value_or(std::string());
    eachOption(*this, [&archive](const char* name, auto& value) { archive(cereal::make_nvp(name, value)); });
  }

 private:
  template <class Self, class Visit>
  static void eachOption(Self& self, const Visit& visit) {
    visit("stdinFile", self.stdinFile);
    visit("input", self.input);
    visit("umask", self.umask);
    visit("nice", self.nice);
    visit("ionice", self.ionice);
    visit("memoryBytes", self.memoryBytes);
    visit("cpuSeconds", self.cpuSeconds);
    visit("graceMs", self.graceMs);
    visit("separateStderr", self.separateStderr);
    visit("outputMaxBytes", self.outputMaxBytes);
    visit("taskCodes", self.taskCodes);
  }
};

/// An I/O priority as the kernel has it.
struct IoPriority {
  int ioClass = 2;
  int level = 4;
};
/// Nothing when the text is none.
[[nodiscard]] std::optional<IoPriority> ioPriorityOf(const std::string& text);

/// Why a command could never run, as one sentence; nothing when it may be tried.
[[nodiscard]] std::optional<std::string> whyRefused(const CommandSpec& spec);

/// `NAME=value` of all that the command sees. Of this process's environment it gets what everybody needs; the rest may
/// hold secrets, or speak to the director itself.
[[nodiscard]] std::vector<std::string> environmentFor(const CommandSpec& spec);

/// The files to try for argv[0], in the order of the PATH that the program will see.
[[nodiscard]] std::vector<std::string> programsFor(const std::string& name,
                                                   const std::vector<std::string>& environment);

}  // namespace v1
}  // namespace callsheet
