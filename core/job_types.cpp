#include "callsheet/job_types.h"

#include "core/names.h"

namespace callsheet {
inline namespace v1 {

JobTypes& JobTypes::add(Type type) {
  if (!isValidKind(type.kind))
    throw Error(ErrorKind::invalid,
                "'" + type.kind + "' is not a kind: at most 128 of letters, digits, '.', '_', '-' and '/'");
  std::string kind = type.kind;
  if (!types_.emplace(kind, std::move(type)).second)
    throw Error(ErrorKind::usage, "the kind '" + kind + "' was added twice");
  return *this;
}

void JobTypes::insert(Type type, std::type_index index) {
  const auto known = kinds_.find(index);
  if (known != kinds_.end())
    throw Error(ErrorKind::usage, "a type has two kinds: '" + known->second + "' and '" + type.kind + "'");
  std::string kind = type.kind;
  add(std::move(type));
  kinds_.emplace(index, std::move(kind));
}

const JobTypes::Type* JobTypes::find(std::string_view kind) const {
  const auto found = types_.find(kind);
  return found == types_.end() ? nullptr : &found->second;
}

const JobTypes::Type& JobTypes::typeOf(std::type_index index) const {
  const auto found = kinds_.find(index);
  if (found == kinds_.end())
    throw Error(ErrorKind::usage,
                std::string("the type ") + index.name() + " is not among the director's JobTypes; add it with a kind");
  return types_.find(found->second)->second;
}

std::vector<std::string> JobTypes::kinds() const {
  std::vector<std::string> all;
  for (const auto& [kind, type] : types_) all.push_back(kind);
  return all;
}

}  // namespace v1
}  // namespace callsheet
