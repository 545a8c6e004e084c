#include "core/names.h"

#include <algorithm>

#include "callsheet/limits.h"

namespace callsheet {
inline namespace v1 {

namespace {

// Not std::isalnum: that one asks the locale.
bool isNameLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool isPart(std::string_view part) {
  return !part.empty() && part.front() != '.' && std::all_of(part.begin(), part.end(), isNameLetter);
}

}  // namespace

bool isValidName(std::string_view name) {
  return name.size() <= limits::nameLengthMax && isPart(name);
}

bool isValidKind(std::string_view kind) {
  if (kind.size() > limits::kindLengthMax) return false;
  while (true) {
    const std::size_t slash = kind.find('/');
    if (!isPart(kind.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    kind.remove_prefix(slash + 1);
  }
}

bool isReservedKind(std::string_view kind) {
  return kind.starts_with("callsheet.") && !runsUnderShim(kind) && kind != httpKind;
}

bool isTransferKind(std::string_view kind) {
  return kind == downloadKind || kind == uploadKind || kind == requestKind;
}

bool runsUnderShim(std::string_view kind) {
  return kind == commandKind || kind == scriptKind || isTransferKind(kind);
}

Runner runnerOf(std::string_view kind) {
  if (kind == commandKind || isTransferKind(kind)) return Runner::command;
  if (kind == httpKind) return Runner::http;
  return kind == scriptKind ? Runner::script : Runner::native;
}

}  // namespace v1
}  // namespace callsheet
