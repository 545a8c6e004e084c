#pragma once
#include <string>
#include <vector>

#include "core/definition_row.h"
#include "core/job_store.h"

namespace callsheet {
inline namespace v1 {

/// The definitions in a text: one object, a list of them, or `{"definitions":[…]}`, in JSON or YAML. `name` is what
/// errors call it. Throws Error(invalid).
[[nodiscard]] std::vector<Definition> definitionsIn(const std::string& text, const std::string& name);
/// Of a file; `-` is stdin. Throws Error.
[[nodiscard]] std::vector<Definition> definitionsInFile(const std::string& path);
/// Of all `*.json`, `*.yaml` and `*.yml` files of a directory, by name. Throws Error that names the file.
[[nodiscard]] std::vector<Definition> definitionsInDirectory(const std::string& path);

/// Stores them, all or none, and puts the kinds' jobs into their lanes; returns the kinds that were defined otherwise
/// or not at all before. Throws Error.
std::vector<std::string> define(JobStore& store, std::vector<Definition> definitions);
/// False when the kind is not defined. Throws Error.
bool undefine(JobStore& store, const std::string& kind);

/// Goes on until no kind's jobs have to be put into lanes any more. Throws Error.
void finishLaning(JobStore& store);

}  // namespace v1
}  // namespace callsheet
