#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "callsheet/archive_dispatch.h"

namespace callsheet {
inline namespace v1 {

/// A command to run: the parameters of a job of kind callsheet.command.
struct CommandSpec {
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;  ///< beside PATH, HOME, LANG and their like of the director's environment
  std::string cwd;                         ///< empty: the director's

  template <class Archive>
  void save(Archive& archive) const {
    archive(CEREAL_NVP(argv), CEREAL_NVP(env), CEREAL_NVP(cwd));
  }
  /// People who write the parameters by hand need to name the program only.
  template <class Archive>
  void load(Archive& archive) {
    std::optional<std::map<std::string, std::string>> givenEnv;
    std::optional<std::string> givenCwd;
    archive(CEREAL_NVP(argv), cereal::make_nvp("env", givenEnv), cereal::make_nvp("cwd", givenCwd));
    env = std::move(givenEnv).value_or(std::map<std::string, std::string>{});
    cwd = std::move(givenCwd).value_or(std::string());
  }
};

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
