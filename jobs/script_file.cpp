#include "jobs/script_file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "callsheet/errors.h"
#include "ipc/file_descriptor.h"
#include "ipc/read_all.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::size_t scriptBytesMax = 1u << 20;
}  // namespace

std::optional<std::string> readScriptFile(const std::string& directory, const std::string& name) {
  const FileDescriptor place(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!place.isOpen()) throw systemError("the directory of scripts " + directory + " cannot be opened", errno);
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const FileDescriptor file(static_cast<int>(::syscall(SYS_openat2, place.number(), name.c_str(), &how, sizeof how)));
  struct stat found {};
  if (!file.isOpen() || ::fstat(file.number(), &found) != 0 || !S_ISREG(found.st_mode)) return std::nullopt;
  auto text = readAll(file.number(), scriptBytesMax + 1);
  if (!text) throw systemError("the script " + name + " cannot be read", errno);
  if (text->size() > scriptBytesMax)
    throw Error(ErrorKind::invalid, "the script " + name + " has more than a mebibyte");
  return text;
}

}  // namespace v1
}  // namespace callsheet
