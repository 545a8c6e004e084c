#include "cli/script_machine.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "callsheet/errors.h"
#include "cli/machine_input.h"
#include "cli/terminal.h"
#include "core/json_payload.h"
#include "http/fetch.h"
#include "ipc/file_descriptor.h"
#include "ipc/write_all.h"
#include "jobs/script_file.h"
#include "jobs/script_wrappers.h"

namespace callsheet {
inline namespace v1 {

namespace {
using nlohmann::json;

constexpr std::size_t scriptBytesMax = 1u << 20;

[[noreturn]] void refuse(const std::string& sentence) {
  throw Error(ErrorKind::invalid, sentence);
}

struct Order {
  std::string script;
  json config;
  std::string directory;
  std::string modules;
  std::uint64_t memoryBytes = 0;
};

Order orderFrom(const std::vector<std::string>& settings) {
  std::map<std::string, std::string> given;
  for (const std::string& one : settings) {
    const std::size_t equals = std::min(one.find('='), one.size());
    given[one.substr(0, equals)] = one.substr(std::min(equals + 1, one.size()));
  }
  Order order;
  order.directory = given["directory"];
  order.modules = given["modules"];
  order.memoryBytes = std::strtoull(given["memory"].c_str(), nullptr, 10);
  const json parameters = json::parse(machineInput(), nullptr, false);
  const auto script = parameters.is_object() ? parameters.find("script") : parameters.end();
  if (!parameters.is_object() || script == parameters.end() || !script->is_string() ||
      script->get_ref<const std::string&>().empty())
    refuse("the job names no script: its parameters are {\"script\": NAME or address, \"config\": ...}");
  order.script = script->get<std::string>();
  order.config = parameters.value("config", json::object());
  return order;
}

/// A script as it was just read.
struct Source {
  std::string name;  ///< as stacks and errors call it: the file's path, or the address
  std::string text;
  std::optional<std::string> path;  ///< of one that is a file
};

/// What a name ends in, as ".js".
std::string endingOf(std::string name) {
  if (isHttpUrl(name)) name.resize(std::min(name.find_first_of("?#"), name.size()));
  name.erase(0, name.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos || dot == 0 ? std::string() : name.substr(dot);
}

Source fetched(const std::string& url) {
  try {
    return {url, fetchText(url, {.bytesMax = scriptBytesMax}), std::nullopt};
  } catch (const Error& error) {
    tell(std::string(error.what()));
    throw Error(ErrorKind::unavailable, "Error obtaining: " + url);
  }
}

Source opened(const Order& order) {
  if (order.directory.empty())
    refuse("'" + order.script + "' is no http or https address, and the principal was given no directory of scripts " +
           "(--scripts)");
  auto text = readScriptFile(order.directory, order.script);
  if (!text) throw Error(ErrorKind::notFound, "Error obtaining: " + order.script);
  const std::string path = order.directory + "/" + order.script;
  return {path, std::move(*text), path};
}

FileDescriptor memoryFile(const std::string& bytes) {
  FileDescriptor file(::memfd_create("callsheet-script", 0));
  if (!file.isOpen() || !writeAll(file.number(), bytes) || ::lseek(file.number(), 0, SEEK_SET) != 0)
    throw systemError("memory for a script cannot be had", errno);
  return file;
}

void giveInput(const std::string& bytes) {
  const FileDescriptor input = memoryFile(bytes);
  if (::dup2(input.number(), 0) < 0) throw systemError("a script's input cannot be given", errno);
}

void limitMemory(std::uint64_t bytes) {
  const rlimit limit{bytes, bytes};
  if (bytes > 0 && ::setrlimit(RLIMIT_AS, &limit) != 0) throw systemError("a script's memory cannot be limited", errno);
}

/// Becomes the program; returns when it cannot.
void become(std::vector<std::string> argv) {
  std::vector<char*> pointers;
  for (std::string& argument : argv) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  ::execvp(pointers[0], pointers.data());
}

[[noreturn]] void failToRun(const std::string& program, const std::string& ending, const char* package) {
  const int why = errno;
  if (why == ENOENT && package != nullptr)
    throw Error(ErrorKind::unavailable, program + " is not installed, which runs scripts that end in " + ending +
                                            " (Debian's package " + package + ")");
  throw systemError("the script cannot be run", why);
}

/// An interpreter with a wrapper of ours, which reads script and configuration from its input.
[[noreturn]] void runWrapped(const Order& order, const Source& source, const std::string& ending) {
  giveInput(json{{"file", source.name}, {"source", source.text}, {"config", order.config}}.dump());
  if (ending == ".py") {
    limitMemory(order.memoryBytes);
    become({"python3", "-c", pythonWrapper});
    failToRun("python3", ending, "python3");
  }
  if (!order.modules.empty()) ::setenv("NODE_PATH", order.modules.c_str(), 1);
  std::vector<std::string> argv{"node"};
  // Of address space it takes far more than it uses, so its own limit is set in place of the kernel's.
  if (order.memoryBytes > 0) argv.push_back("--max-old-space-size=" + std::to_string(order.memoryBytes >> 20));
  argv.insert(argv.end(), {"-e", nodeWrapper});
  become(std::move(argv));
  failToRun("node", ending, "nodejs");
}

[[noreturn]] void runPlain(const Order& order, const Source& source, const std::string& ending) {
  giveInput(order.config.dump());
  limitMemory(order.memoryBytes);
  std::string path = source.path.value_or("");
  if (!source.path) {
    FileDescriptor file = memoryFile(source.text);
    (void)::fchmod(file.number(), 0700);
    path = "/proc/self/fd/" + std::to_string(::dup(file.number()));
    // While it can be written it cannot be run.
    FileDescriptor readable(::open(path.c_str(), O_RDONLY));
    ::close(std::stoi(path.substr(path.rfind('/') + 1)));
    file.close();
    path = "/proc/self/fd/" + std::to_string(::dup(readable.number()));
  }
  if (ending == ".sh") become({"/bin/sh", path});
  become({path});
  failToRun(source.name, ending, nullptr);
}

[[noreturn]] void runScript(const Order& order) {
  const Source source = isHttpUrl(order.script) ? fetched(order.script) : opened(order);
  const std::string ending = endingOf(order.script);
  if (ending == ".js" || ending == ".cjs" || ending == ".py") runWrapped(order, source, ending);
  runPlain(order, source, ending);
}

}  // namespace

int runScriptMachine(const std::vector<std::string>& settings) {
  try {
    runScript(orderFrom(settings));
  } catch (const std::exception& error) {
    tell(error.what());
    const std::string said = json{{"error", {{"message", replaceInvalidUtf8(error.what())}}}}.dump();
    static_cast<void>(writeAll(machineResult, said));
    return 1;
  }
}

}  // namespace v1
}  // namespace callsheet
