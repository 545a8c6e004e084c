#include "http/secret_text.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::size_t secretBytesMax = 64u << 10;

std::string valueOf(const std::string& kind, const std::string& name) {
  std::string value;
  if (kind == "env") {
    const char* const found = std::getenv(name.c_str());
    if (found == nullptr || *found == '\0') throw Error(ErrorKind::notFound, "missing " + name);
    value = found;
  } else {
    std::ifstream file(name);
    if (!file || !std::getline(file, value)) throw Error(ErrorKind::notFound, "missing " + name);
    if (value.ends_with('\r')) value.pop_back();
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
