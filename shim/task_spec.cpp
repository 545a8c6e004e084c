#include "shim/task_spec.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace callsheet {
inline namespace v1 {

namespace {

// Parameters are a mebibyte at most; what they become here is not much more.
constexpr std::size_t specBytesMax = std::size_t{16} << 20;

struct Lists {
  char** programs;
  char** arguments;
  char** variables;
};

/// The text, and behind it room for three lists, each of which could have every entry.
char* mapText(int descriptor, TaskSpec& spec, std::size_t& textBytes) {
  struct stat file {};
  if (::fstat(descriptor, &file) != 0) return nullptr;
  textBytes = static_cast<std::size_t>(file.st_size);
  if (textBytes == 0 || textBytes > specBytesMax) {
    errno = E2BIG;
    return nullptr;
  }
  // No entry is shorter than two bytes, `=` and its zero.
  const std::size_t entries = textBytes / 2 + 2;
  const std::size_t start = (textBytes / sizeof(char*) + 1) * sizeof(char*);
  spec.mappingBytes = start + 3 * entries * sizeof(char*);
  void* const memory =
      ::mmap(nullptr, spec.mappingBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  spec.mapping = memory;
  char* const text = static_cast<char*>(memory);
  spec.programs = reinterpret_cast<char**>(text + start);
  spec.arguments = spec.programs + entries;
  spec.variables = spec.arguments + entries;
  for (std::size_t done = 0; done < textBytes;) {
    const ssize_t size = ::pread(descriptor, text + done, textBytes - done, static_cast<off_t>(done));
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) {
      if (size == 0) errno = EPROTO;
      return nullptr;
    }
    done += static_cast<std::size_t>(size);
  }
  errno = EPROTO;
  return text[textBytes - 1] == '\0' ? text : nullptr;
}

template <std::size_t size>
void copy(char (&into)[size], const char* value) {
  std::strncpy(into, value, size - 1);
}

void take(TaskSpec& spec, Lists& lists, std::string_view name, char* value) {
  const auto number = [value] { return ::strtoll(value, nullptr, 10); };
  const auto size = [value] { return ::strtoull(value, nullptr, 10); };
  if (name == specName::argument) *lists.arguments++ = value;
  if (name == specName::variable) *lists.variables++ = value;
  if (name == specName::program) *lists.programs++ = value;
  if (name == specName::job) copy(spec.job, value);
  if (name == specName::exec) copy(spec.exec, value);
  if (name == specName::task) copy(spec.task, value);
  if (name == specName::boot) copy(spec.boot, value);
  if (name == specName::bell) copy(spec.bells[spec.bells[0][0] == '\0' ? 0 : 1], value);
  if (name == specName::group) copy(spec.group, value);
  if (name == specName::attempt) spec.attempt = static_cast<std::uint32_t>(size());
  if (name == specName::workingDirectory) spec.workingDirectory = value;
  if (name == specName::input) spec.input = value;
  if (name == specName::deadline) spec.deadlineNanos = number();
  if (name == specName::grace) spec.graceMillis = number();
  if (name == specName::patience) spec.patienceMillis = number();
  if (name == specName::heartbeat) spec.heartbeatMillis = number();
  if (name == specName::outputMax) spec.outputMax = size();
  if (name == specName::apart) spec.isApart = number() != 0;
  if (name == specName::codes) spec.hasTaskCodes = std::string_view(value) == "task";
  if (name == specName::lock) spec.isLockGiven = number() != 0;
  if (name == specName::result) spec.hasResult = number() != 0;
  if (name == specName::parent) spec.parent = static_cast<std::int32_t>(number());
  if (name == specName::umask) spec.umask = static_cast<int>(::strtol(value, nullptr, 8));
  if (name == specName::nice) spec.nice = static_cast<int>(number());
  if (name == specName::memory) spec.memoryBytes = size();
  if (name == specName::cpuTime) spec.cpuSeconds = size();
  if (name == specName::ionice) {
    char* level = nullptr;
    spec.ioClass = static_cast<int>(::strtol(value, &level, 10));
    spec.ioLevel = *level == ':' ? static_cast<int>(::strtol(level + 1, nullptr, 10)) : 0;
  }
}

/// It becomes part of a line or of a file's name.
template <std::size_t size>
bool isPlain(const char (&text)[size]) {
  return std::strspn(text, "0123456789abcdef-") == size - 1;
}

bool isTaskName(const TaskSpec& spec) {
  return isPlain(spec.task) || std::string_view(spec.task) == foregroundTask;
}

}  // namespace

bool readTaskSpec(int descriptor, TaskSpec& spec) {
  std::size_t textBytes = 0;
  char* const text = mapText(descriptor, spec, textBytes);
  if (text == nullptr) return false;
  Lists lists{spec.programs, spec.arguments, spec.variables};
  for (char* at = text; at < text + textBytes; at += std::strlen(at) + 1) {
    char* const equals = std::strchr(at, '=');
    if (equals == nullptr) continue;
    take(spec, lists, std::string_view(at, static_cast<std::size_t>(equals - at)), equals + 1);
    at = equals + 1;
  }
  const bool isWhole = spec.programs[0] != nullptr && spec.arguments[0] != nullptr && spec.attempt > 0 &&
                       isPlain(spec.job) && isPlain(spec.exec) && isPlain(spec.boot) && isTaskName(spec) &&
                       spec.graceMillis >= 0 && spec.heartbeatMillis > 0 && spec.outputMax > 0;
  if (!isWhole) errno = EPROTO;
  return isWhole;
}

void forgetCommand(TaskSpec& spec) {
  if (spec.mapping != nullptr) ::munmap(spec.mapping, spec.mappingBytes);
  spec.mapping = nullptr;
  spec.programs = spec.arguments = spec.variables = nullptr;
  spec.workingDirectory = spec.input = nullptr;
}

}  // namespace v1
}  // namespace callsheet
