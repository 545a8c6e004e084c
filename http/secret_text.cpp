#include "http/secret_text.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "callsheet/errors.h"
#include "ipc/file_descriptor.h"
#include "ipc/read_all.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::size_t secretBytesMax = 64u << 10;

/// Of a file only: what else has a path may never end, or never come.
std::string firstLineOf(const std::string& name) {
  const FileDescriptor file(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat facts {};
  if (!file.isOpen() || ::fstat(file.number(), &facts) != 0) throw Error(ErrorKind::notFound, "missing " + name);
  if (!S_ISREG(facts.st_mode)) throw Error(ErrorKind::invalid, name + " is no file");
  auto text = readAll(file.number(), secretBytesMax + 2);
  if (!text || text->empty()) throw Error(ErrorKind::notFound, "missing " + name);
  text->resize(std::min(text->size(), text->find('\n')));
  if (text->ends_with('\r')) text->pop_back();
  return *std::move(text);
}

std::string valueOf(const std::string& kind, const std::string& name) {
  std::string value;
  if (kind == "env") {
    const char* const found = std::getenv(name.c_str());
    if (found == nullptr || *found == '\0') throw Error(ErrorKind::notFound, "missing " + name);
    value = found;
  } else {
    value = firstLineOf(name);
  }
  if (value.size() > secretBytesMax || value.find_first_of(std::string("\r\n\0", 3)) != std::string::npos)
    throw Error(ErrorKind::invalid, name + " holds what no header can");
  return value;
}
}  // namespace

std::string withSecrets(const std::string& text) {
  std::string whole;
  for (std::size_t at = 0;;) {
    const std::size_t begin = std::min({text.find("${env:", at), text.find("${file:", at)});
    const std::size_t end = begin == std::string::npos ? begin : text.find('}', begin);
    if (end == std::string::npos) return whole + text.substr(at);
    whole += text.substr(at, begin - at);
    const std::size_t colon = text.find(':', begin);
    whole += valueOf(text.substr(begin + 2, colon - begin - 2), text.substr(colon + 1, end - colon - 1));
    at = end + 1;
  }
}

}  // namespace v1
}  // namespace callsheet
