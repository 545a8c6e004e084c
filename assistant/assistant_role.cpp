#include "assistant/assistant_role.h"

#include "callsheet/errors.h"
#include "ipc/presence_lock.h"

namespace callsheet {
inline namespace v1 {

namespace {
IncarnationID openHolder(JobStore& store, const std::string& name) {
  for (const IncarnationRow& row : store.incarnations())
    if (row.isOpen() && row.role == Role::assistant && row.name == name) return row.id;
  return {};
}
}  // namespace

AssistantRole::AssistantRole(JobStore& store, const StoreDirectory& directory, IncarnationID self, const std::string& name,
                             std::vector<std::string> kinds) {
  const std::string taken = "a living director is named '" + name + "' in " + directory.dataPath() + "; choose another name or stop it";
  const IncarnationID former = openHolder(store, name);
  if (!former.isNil() && presenceStateOf(directory, former) == PresenceState::held) throw Error(ErrorKind::conflict, taken);
  const Answer answer = store.apply(RegisterIncarnation{self, name, Role::assistant, former, std::move(kinds)});
  if (answer.verdict == Verdict::conflict) throw Error(ErrorKind::conflict, taken);
  if (answer.verdict == Verdict::refused) throw Error(ErrorKind::invalid, answer.why);
  if (!isAccepted(answer.verdict)) throw Error(ErrorKind::unavailable, "the assistant could not be registered: " + answer.why);
}

}  // namespace v1
}  // namespace callsheet
