#include "api/define.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "api/api_error.h"
#include "api/body_format.h"
#include "api/definition_json.h"
#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::size_t fileBytesMax = 16u << 20;

std::string readAll(std::istream& stream, const std::string& name) {
  std::string text;
  char buffer[65536];
  while (stream.read(buffer, sizeof buffer) || stream.gcount() > 0) {
    text.append(buffer, static_cast<std::size_t>(stream.gcount()));
    if (text.size() > fileBytesMax) throw Error(ErrorKind::invalid, name + " is larger than 16 MiB");
  }
  return text;
}

/// JSON is what begins like it; everything else is read as YAML, which says better what is wrong with it.
BodyFormat formatOf(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string::npos && (text[first] == '{' || text[first] == '[') ? BodyFormat::json : BodyFormat::yaml;
}

Error errorFor(const Answer& answer, const std::string& what) {
  const ErrorKind how = answer.verdict == Verdict::storeFull ? ErrorKind::storeFull
                        : answer.verdict == Verdict::refused ? ErrorKind::invalid
                                                             : ErrorKind::unavailable;
  return {how, what + ": " + (answer.why.empty() ? "the store did not answer in time" : answer.why)};
}

SweepAnswer relaned(JobStore& store, SweepAnswer answer) {
  while (isAccepted(answer.verdict) && answer.more) answer = store.applySurely(Relane{});
  return answer;
}
}  // namespace

std::vector<Definition> definitionsIn(const std::string& text, const std::string& name) {
  Json json;
  try {
    json = parseBody(formatOf(text), text);
  } catch (const Error& error) {
    throw Error(ErrorKind::invalid, name + " cannot be read: " + error.what());
  }
  if (json.is_object() && json.size() == 1 && json.contains("definitions")) json = Json(json["definitions"]);
  std::vector<Definition> all;
  std::string which;
  try {
    if (!json.is_array()) return {definitionFrom(json)};
    for (const Json& one : json) {
      which = "definition " + std::to_string(all.size() + 1) + ": ";
      all.push_back(definitionFrom(one));
    }
  } catch (const ApiError& error) {
    throw Error(ErrorKind::invalid, name + ": " + which + error.what());
  }
  return all;
}

std::vector<Definition> definitionsInFile(const std::string& path) {
  if (path == "-") return definitionsIn(readAll(std::cin, "stdin"), "stdin");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw systemError(path + " cannot be read", errno);
  return definitionsIn(readAll(file, path), path);
}

std::vector<Definition> definitionsInDirectory(const std::string& path) {
  std::vector<std::string> files;
  std::error_code code;
  for (std::filesystem::directory_iterator at(path, code), end; !code && at != end; at.increment(code)) {
    const std::string extension = at->path().extension().string();
    const bool isOurs = extension == ".json" || extension == ".yaml" || extension == ".yml";
    if (isOurs && !at->path().filename().string().starts_with('.')) files.push_back(at->path().string());
  }
  if (code) throw systemError("the directory of definitions " + path + " cannot be read", code.value());
  std::sort(files.begin(), files.end());
  std::vector<Definition> all;
  for (const std::string& file : files)
    for (Definition& one : definitionsInFile(file)) all.push_back(std::move(one));
  return all;
}

std::vector<std::string> define(JobStore& store, std::vector<Definition> definitions) {
  std::vector<std::string> changed;
  if (definitions.empty()) return changed;
  for (const Definition& one : definitions) {
    const auto before = store.definition(one.kind);
    if (!before || static_cast<const Definition&>(*before) != one) changed.push_back(one.kind);
  }
  const std::string what =
      (definitions.size() == 1 ? "the definition of '" + definitions[0].kind + "' was" : "the definitions were") +
      " not stored";
  const SweepAnswer first = store.applySurely(PutDefinitions{std::move(definitions)});
  const SweepAnswer last = relaned(store, first);
  for (const SweepAnswer* answer : {&first, &last})
    if (!isAccepted(answer->verdict)) throw errorFor(*answer, what);
  return changed;
}

bool undefine(JobStore& store, const std::string& kind) {
  const SweepAnswer first = store.applySurely(DeleteDefinition{kind});
  if (first.verdict == Verdict::notFound) return false;
  const SweepAnswer last = relaned(store, first);
  for (const SweepAnswer* answer : {&first, &last})
    if (!isAccepted(answer->verdict)) throw errorFor(*answer, "the definition of '" + kind + "' was not removed");
  return true;
}

void finishLaning(JobStore& store) {
  SweepAnswer answer;
  do answer = store.applySurely(Relane{});
  while (isAccepted(answer.verdict) && answer.more);
  if (!isAccepted(answer.verdict)) throw errorFor(answer, "not all jobs were put into the lanes of their kinds");
}

}  // namespace v1
}  // namespace callsheet
