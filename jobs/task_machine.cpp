#include "jobs/task_machine.h"

#include <unistd.h>

#include <filesystem>
#include <sstream>
#include <string_view>
#include <vector>

#include "callsheet/errors.h"
#include "callsheet/json_archive.h"
#include "callsheet/limits.h"
#include "jobs/echo_machine.h"

namespace callsheet {
inline namespace v1 {

namespace {

// What the kernel takes as one argument, and as all, has its bounds; parameters may be longer.
constexpr std::size_t statementBytesMax = 64u << 10;
constexpr std::size_t statementsMax = 10'000;

struct Machine {
  std::string_view name;
  CommandSpec (*command)(const std::string& parameters, const std::string& program);
};

[[noreturn]] void refuse(const std::string& sentence) {
  throw Error(ErrorKind::invalid, sentence);
}

CommandSpec forCommand(const std::string& parameters, const std::string&) {
  CommandSpec command;
  try {
    fromJson(parameters, command);
  } catch (const Error& error) {
    refuse(std::string("The command machine cannot read its parameters: ") + error.what());
  }
  if (const auto why = whyRefused(command)) refuse(*why);
  return command;
}

std::vector<std::string> linesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(std::move(line));
  return lines;
}

std::vector<std::string> statementsOf(const std::string& parameters) {
  try {
    const bool isText = parameters.find_first_not_of(" \t\r\n") == parameters.find('"');
    return isText ? linesOf(fromJson<std::string>(parameters)) : fromJson<std::vector<std::string>>(parameters);
  } catch (const Error& error) {
    refuse(std::string("The echo machine takes a list of statements, or a text with one a line: ") + error.what());
  }
}

CommandSpec forEcho(const std::string& parameters, const std::string& program) {
  std::vector<std::string> statements = statementsOf(parameters);
  if (statements.size() > statementsMax)
    refuse("The echo machine takes " + std::to_string(statementsMax) + " statements at most.");
  for (std::size_t index = 0; index < statements.size(); ++index)
    if (statements[index].size() > statementBytesMax)
      refuse("Line " + std::to_string(index + 1) + " has more than " + std::to_string(statementBytesMax) + " bytes.");
  static_cast<void>(EchoProgram(statements));
  CommandSpec command;
  command.taskCodes = true;
  command.argv = {program, "machine", "echo", "--"};
  command.argv.insert(command.argv.end(), statements.begin(), statements.end());
  return command;
}

constexpr Machine machines[] = {{"command", forCommand}, {"echo", forEcho}};

}  // namespace

CommandSpec commandOfTask(const TaskBody& task, const std::string& program) {
  std::string known;
  for (const Machine& machine : machines) {
    if (machine.name == task.machine) return machine.command(task.parameters, program);
    known.append(known.empty() ? "" : " and ").append(machine.name);
  }
  refuse("There is no machine '" + task.machine + "'; there are " + known + ".");
}

std::string ownProgram() {
  constexpr std::string_view replaced = " (deleted)";
  std::error_code error;
  std::string path = std::filesystem::read_symlink("/proc/self/exe", error).string();
  if (error) throw systemError("The program of this process cannot be named", error.value());
  if (path.ends_with(replaced) && ::access(path.c_str(), F_OK) != 0) path.resize(path.size() - replaced.size());
  return path;
}

}  // namespace v1
}  // namespace callsheet
