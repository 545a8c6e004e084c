#include "api/token_file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <optional>

#include "callsheet/errors.h"
#include "callsheet/uuid.h"
#include "ipc/file_descriptor.h"
#include "ipc/write_all.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::size_t tokenMin = 16;  // somebody's own token may be shorter than ours
constexpr std::size_t tokenMax = 1024;

std::string makeToken() {
  std::array<std::uint8_t, 32> bytes{};
  while (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    if (errno != EINTR) throw systemError("cannot draw random bytes for a token", errno);
  }
  constexpr const char* digits = "0123456789abcdef";
  std::string token;
  for (const std::uint8_t byte : bytes) {
    token += digits[byte >> 4];
    token += digits[byte & 15];
  }
  return token;
}

void requireClosed(int descriptor, const std::string& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) throw systemError("cannot look at " + path, errno);
  if (!S_ISREG(status.st_mode))
    throw Error(ErrorKind::invalid, path + " is no regular file; name another one for the token");
  if (status.st_uid != ::geteuid())
    throw Error(ErrorKind::permission, path + " belongs to user " + std::to_string(status.st_uid) +
                                           "; a token must be in a file of one's own: name another one");
  if ((status.st_mode & 077) != 0)
    throw Error(ErrorKind::permission, path +
                                           " is open to other users, who may know the token; remove it to get a new " +
                                           "one, or close it with: chmod 600 '" + path + "'");
}

std::optional<std::string> readToken(const std::string& path) {
  // Not blocking: it may be a pipe.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!file.isOpen() && errno == ENOENT) return std::nullopt;
  if (!file.isOpen()) throw systemError("cannot open the token's file " + path, errno);
  requireClosed(file.number(), path);
  std::string token(tokenMax + 1, '\0');
  const ssize_t length = ::read(file.number(), token.data(), token.size());
  if (length < 0) throw systemError("cannot read the token's file " + path, errno);
  token.resize(static_cast<std::size_t>(length));
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  const bool isText = std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (token.size() < tokenMin || token.size() > tokenMax || !isText)
    throw Error(ErrorKind::invalid, path + " holds no token: one line of " + std::to_string(tokenMin) + " to " +
                                        std::to_string(tokenMax) + " letters; remove it to get a new one");
  return token;
}

// Written aside and linked, which never replaces: nobody reads half a token, and the first one stays. 0, or an errno.
int placeToken(const std::string& temporary, const std::string& path) {
  const FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.isOpen()) throw systemError("cannot make the token's file " + path, errno);
  ::fchmod(file.number(), 0600);  // whatever the umask took
  if (!writeAll(file.number(), makeToken() + "\n") || ::fsync(file.number()) != 0)
    throw systemError("cannot write the token's file " + path, errno);
  return ::link(temporary.c_str(), path.c_str()) == 0 ? 0 : errno;
}

}  // namespace

std::string readOrMakeToken(const std::string& path) {
  if (auto token = readToken(path)) return *token;
  const std::string temporary = path + ".new-" + Uuid::makeV4().toString();
  try {
    const int error = placeToken(temporary, path);
    ::unlink(temporary.c_str());
    if (error != 0 && error != EEXIST) throw systemError("cannot make the token's file " + path, error);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  if (auto token = readToken(path)) return *token;
  throw Error(ErrorKind::io, "the token's file " + path + " went away while it was made; try again");
}

}  // namespace v1
}  // namespace callsheet
