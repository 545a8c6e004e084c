#include "callsheet/errors.h"

#include <cerrno>
#include <cstring>

namespace callsheet {
inline namespace v1 {

namespace {
struct Row {
  ErrorKind kind;
  std::string_view name;
  int exitCode;
};
constexpr Row rows[] = {
    {ErrorKind::usage, "usage", 2},
    {ErrorKind::notFound, "notFound", 3},
    {ErrorKind::invalid, "invalid", 4},
    {ErrorKind::conflict, "conflict", 75},
    {ErrorKind::fenced, "fenced", 76},
    {ErrorKind::unsupported, "unsupported", 78},
    {ErrorKind::permission, "permission", 77},
    {ErrorKind::corrupt, "corrupt", 65},
    {ErrorKind::storeFull, "storeFull", 73},
    {ErrorKind::io, "io", 74},
    {ErrorKind::unavailable, "unavailable", 69},
};
const Row& rowOf(ErrorKind kind) {
  for (const Row& row : rows)
    if (row.kind == kind) return row;
  return rows[9];
}
}  // namespace

std::string_view toString(ErrorKind kind) {
  return rowOf(kind).name;
}
int exitCodeOf(ErrorKind kind) {
  return rowOf(kind).exitCode;
}

Error systemError(const std::string& sentence, int errnoValue) {
  ErrorKind kind = ErrorKind::io;
  if (errnoValue == EACCES || errnoValue == EPERM) kind = ErrorKind::permission;
  if (errnoValue == ENOENT) kind = ErrorKind::notFound;
  if (errnoValue == ENOSPC || errnoValue == EDQUOT) kind = ErrorKind::storeFull;
  return Error(kind, sentence + ": " + std::strerror(errnoValue) + " (errno " + std::to_string(errnoValue) + ")");
}

}  // namespace v1
}  // namespace callsheet
