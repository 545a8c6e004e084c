#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/incarnation_row.h"
#include "core/job_store.h"

namespace callsheet {
inline namespace v1 {

/// The word for the principal where directors are named.
inline constexpr std::string_view principalWord = "principal";

/// What directors are called, read once from the store. Immutable.
class OwnerNames {
 public:
  /// `living`: whose presences are held; nothing where that does not matter.
  explicit OwnerNames(std::vector<IncarnationRow> incarnations, std::optional<std::vector<IncarnationID>> living = {});

  /// "principal", an assistant's name, or "(closed)" when nothing is known of it any more.
  [[nodiscard]] std::string nameOf(IncarnationID owner) const;
  [[nodiscard]] bool isOpen(IncarnationID owner) const;
  /// Who holds the job's present attempt; empty when nobody does.
  [[nodiscard]] std::string holderOf(const JobRow& row) const;
  /// The queue that the name stands for: the living assistant's, else that of the latest one whose jobs are still to be
  /// adopted. Error(notFound) for a name that nobody has.
  [[nodiscard]] IncarnationID ownerNamed(const std::string& name) const;
  /// Whether nobody alive who claims from its queue knows its kind, or its version of that.
  [[nodiscard]] bool isUnclaimable(const JobView& job) const;

 private:
  std::vector<IncarnationRow> incarnations_;
  std::optional<std::vector<IncarnationID>> living_;
  std::map<IncarnationID, const IncarnationRow*> byID_;
};

}  // namespace v1
}  // namespace callsheet
