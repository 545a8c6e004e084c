#pragma once
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "callsheet/uuid.h"

namespace callsheet {
inline namespace v1 {

enum class Role : std::uint8_t { principal, assistant, executor };
/// How an incarnation was closed; `open` while it lives.
enum class Closing : std::uint8_t { open, stopped, died, hung };

[[nodiscard]] std::string_view toString(Role role);
[[nodiscard]] std::string_view toString(Closing closing);

/// One life of a director or executor. No row counts as closed.
struct IncarnationRow {
  IncarnationID id;  ///< the key; not in the body
  std::string name;  ///< empty for the principal
  Role role = Role::assistant;
  Closing closing = Closing::open;
  bool emptied = false;  ///< closed, and nothing of it is left to adopt
  Uuid bootID;           ///< of the boot that it was opened in
  std::int64_t openedAt = 0;
  std::int64_t closedAt = 0;
  ClaimID lastClaim;               ///< its last claim that handed something out
  std::vector<std::string> kinds;  ///< what it knows how to run, as KnownKind has it
  std::uint64_t adopted = 0;       ///< jobs moved to the principal after it closed
  bool isUnreadable = false;       ///< its bytes do not check: it counts as closed, and is to be adopted. Not stored

  [[nodiscard]] bool isOpen() const { return closing == Closing::open; }
  /// Whose queue it claims from and submits to.
  [[nodiscard]] IncarnationID queueOwner() const { return role == Role::assistant ? id : IncarnationID{}; }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, role, closing, emptied, bootID, openedAt, closedAt, lastClaim, kinds, adopted);
  }
  friend bool operator==(const IncarnationRow&, const IncarnationRow&) = default;
};

}  // namespace v1
}  // namespace callsheet
