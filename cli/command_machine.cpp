#include <CLI/CLI.hpp>
#include <memory>

#include "callsheet/errors.h"
#include "cli/commands.h"
#include "cli/script_machine.h"
#include "cli/stop_signals.h"
#include "cli/transfer_machine.h"
#include "jobs/echo_machine.h"

namespace callsheet {
inline namespace v1 {

namespace {

int runMachine(const std::string& name, const Session& session) {
  if (name == "script") return runScriptMachine(session.trailing);
  if (name == "download" || name == "upload" || name == "request") return runTransferMachine(name);
  if (name != "echo")
    throw Error(ErrorKind::usage, "there are no machines of our own but echo, script, download, upload and request");
  const EchoProgram program(session.trailing);
  StopSignals signals;
  const EchoEnd end = program.run({.output = 1, .stop = signals.descriptor()});
  if (end == EchoEnd::stopped) return 128 + signals.take().value_or(0);
  return end == EchoEnd::normal ? 0 : 1;
}

}  // namespace

Work defineMachine(CLI::App& app) {
  const auto name = std::make_shared<std::string>();
  app.group("");  // hidden: what a task's shim starts
  app.add_option("NAME", *name)->required();
  return [name](Session& session) { return runMachine(*name, session); };
}

}  // namespace v1
}  // namespace callsheet
