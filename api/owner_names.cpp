#include "api/owner_names.h"

#include <utility>

#include "callsheet/errors.h"
#include "core/job_store.h"

namespace callsheet {
inline namespace v1 {

OwnerNames::OwnerNames(std::vector<IncarnationRow> incarnations, std::optional<std::vector<IncarnationID>> living)
    : incarnations_(std::move(incarnations)), living_(std::move(living)) {
  for (const IncarnationRow& row : incarnations_) byID_[row.id] = &row;
}

std::string OwnerNames::nameOf(IncarnationID owner) const {
  if (owner == principalOwner) return std::string(principalWord);
  const auto found = byID_.find(owner);
  if (found == byID_.end()) return "(closed)";
  return found->second->role == Role::principal ? std::string(principalWord) : found->second->name;
}

bool OwnerNames::isOpen(IncarnationID owner) const {
  const auto found = byID_.find(owner);
  return owner == principalOwner || (found != byID_.end() && found->second->isOpen());
}

bool OwnerNames::isUnclaimable(const JobView& job) const {
  return callsheet::isUnclaimable(job.row, job.body, incarnations_, living_);
}

std::string OwnerNames::holderOf(const JobRow& row) const {
  switch (row.holderKind) {
    case HolderKind::none:
      return {};
    case HolderKind::incarnation:
      return nameOf(IncarnationID{row.holder});
    case HolderKind::shim:
      return "shim";
    case HolderKind::remote:
      return "remote";
  }
  return {};
}

IncarnationID OwnerNames::ownerNamed(const std::string& name) const {
  if (name == principalWord) return principalOwner;
  const IncarnationRow* best = nullptr;
  const auto worth = [](const IncarnationRow& row) { return std::pair{row.isOpen(), row.openedAt}; };
  for (const IncarnationRow& row : incarnations_)
    if (row.role == Role::assistant && row.name == name && (best == nullptr || worth(*best) < worth(row))) best = &row;
  if (best == nullptr)
    throw Error(ErrorKind::notFound, "no director is named '" + name + "'; `callsheet directors --all` lists them");
  return best->id;
}

}  // namespace v1
}  // namespace callsheet
