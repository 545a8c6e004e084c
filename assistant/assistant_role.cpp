#include "assistant/assistant_role.h"

#include <chrono>
#include <thread>

#include "callsheet/errors.h"
#include "ipc/presence_lock.h"
#include "ipc/process_state.h"

namespace callsheet {
inline namespace v1 {

namespace {
IncarnationID openHolder(JobStore& store, const std::string& name) {
  for (const IncarnationRow& row : store.incarnations())
    if (row.isOpen() && row.role == Role::assistant && row.name == name) return row.id;
  return {};
}

// How long a principal may take to close a dead holder of the name in the store, once it holds its presence.
constexpr std::chrono::seconds adoptionMax{10};

/// Whether a presence that is held is so by somebody else than its own process, which has ended: by the principal,
/// until the dead one is closed in the store.
bool isBeingAdopted(const StoreDirectory& directory, IncarnationID incarnation) {
  for (const Presence& presence : listPresences(directory)) {
    if (presence.incarnation != incarnation) continue;
    const PresenceInfo& info = presence.info;
    if (info.pid == 0 || info.pidNamespace != pidNamespaceInode()) return false;
    const auto process = processState(info.pid);
    return !process || process->startTime != info.startTime || process->isEnded();
  }
  return true;  // unlinked since
}
}  // namespace

AssistantRole::AssistantRole(JobStore& store, const StoreDirectory& directory, IncarnationID self,
                             const std::string& name, std::vector<std::string> kinds) {
  const std::string taken =
      "a living director is named '" + name + "' in " + directory.dataPath() + "; choose another name or stop it";
  const auto deadline = std::chrono::steady_clock::now() + adoptionMax;
  IncarnationID former = openHolder(store, name);
  while (!former.isNil() && presenceStateOf(directory, former) == PresenceState::held) {
    if (!isBeingAdopted(directory, former) || std::chrono::steady_clock::now() > deadline)
      throw Error(ErrorKind::conflict, taken);
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
    former = openHolder(store, name);
  }
  const Answer answer = store.applySurely(RegisterIncarnation{self, name, Role::assistant, former, std::move(kinds)});
  if (answer.verdict == Verdict::conflict) throw Error(ErrorKind::conflict, taken);
  if (answer.verdict == Verdict::refused) throw Error(ErrorKind::invalid, answer.why);
  if (!isAccepted(answer.verdict))
    throw Error(ErrorKind::unavailable, "the assistant could not be registered: " + answer.why);
}

}  // namespace v1
}  // namespace callsheet
