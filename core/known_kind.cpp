#include "core/known_kind.h"

#include <algorithm>
#include <charconv>

#include "core/names.h"

namespace callsheet {
inline namespace v1 {

std::optional<KnownKind> KnownKind::parse(std::string_view text) {
  const std::size_t at = text.find('@');
  KnownKind known{text.substr(0, at), 1};
  if (!isValidKind(known.kind)) return std::nullopt;
  if (at == std::string_view::npos) return known;
  const char* const end = text.data() + text.size();
  const auto [read, error] = std::from_chars(text.data() + at + 1, end, known.version);
  if (error != std::errc{} || read != end || known.version == 0) return std::nullopt;
  return known;
}

bool knows(const std::vector<std::string>& knownKinds, std::string_view kind, std::uint32_t version) {
  return std::any_of(knownKinds.begin(), knownKinds.end(), [&](const std::string& text) {
    if (!text.starts_with(kind)) return false;
    const auto known = KnownKind::parse(text);
    return known && known->kind == kind && known->version >= version;
  });
}

std::vector<std::string> knownKindsOf(const JobTypes& types, bool runsCommands, bool hasProgram) {
  std::vector<std::string> all = types.kinds();
  for (std::string& kind : all) {
    const std::uint32_t version = types.find(kind)->version;
    if (version > 1) kind += "@" + std::to_string(version);
  }
  if (runsCommands) all.emplace_back(commandKind);
  if (runsCommands && hasProgram)
    for (const char* kind : {scriptKind, downloadKind, uploadKind, requestKind}) all.emplace_back(kind);
  return all;
}

}  // namespace v1
}  // namespace callsheet
