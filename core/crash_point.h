#pragma once
#include <atomic>
#include <span>
#include <string_view>

namespace callsheet {
inline namespace v1 {

/// Every place where a test may have the process killed. The one table: add the name here, then put crashPoint("name")
/// at the place. A name that is not here does not compile.
inline constexpr const char* crashPointTable[] = {
    "env.opened",           // LMDB's files are open and perhaps new, the tables not yet; env.open is held
    "store.made",           // the first transaction of a new store is full, not committed
    "commit.before",        // verbs are queued, no transaction has begun
    "commit.locked",        // the write lock is ours, the board does not show it yet
    "commit.applied",       // applied inside the transaction, not committed
    "commit.after",         // durable, nobody has been answered or rung
    "exchange.asked",       // another process is asked for a commit, nobody waits for it yet
    "exchange.applied",     // others' verbs are applied inside the transaction too, not committed
    "exchange.committed",   // the common commit is durable, none of those who asked has been answered
    "snapshot.taken",       // a reading transaction has begun
    "director.registered",  // the incarnation is open, nothing else has happened
    "submit.answered",      // a director's submit is durable, its caller does not know yet
    "job.claimed",          // the attempt is in-progress, user code has not begun
    "job.executed",         // user code returned, nothing of it is stored
    "job.completed",        // the outcome is durable
    "command.claimed",      // the attempt at a command is in-progress, nothing was started
    "command.started",      // the command runs, or ran; its shim has said so to nobody but this director
    "command.ended",        // how a command ended is read, nothing of it is stored
    "step.stored",          // a step's result is durable, no other step has seen it
    "step.suspended",       // a wait is durable, the job has not left execute
    "transfer.requested",   // the transfer is durable, the job has not left execute
    "transfer.left",        // the job left execute, the transfer is not applied
    "adopt.moving",         // inside a transaction: the incarnation is closed, none of this slice's jobs has moved
    "adopt.closed",         // closing and the first slice are durable, the principal acts on neither yet
    "adopt.sliced",         // a slice is durable, the next is not asked for
    "schedule.fired",       // firings are durable, the principal has not looked for what is due next
    "renew.abandoned",      // a fenced director has let go of its former incarnation, the next does not exist
    "stop.drained",         // running jobs were given back, the incarnation is open
    "stop.closed",          // the incarnation is closed, its presence still held
    "presence.file-made",   // written, not locked
    "presence.locked",      // locked, not at its final name
    "presence.linked",      // at its final name; nothing registered in the store
    "presence.dead-taken",  // the principal holds a dead presence
    "presence.unlinked",    // a presence's name is gone, its lock still held
    "principal.locked",     // principal.lock is held, its holder not yet written into it
    "board.file-made",      // the new board stands under a temporary name
    "board.renamed",        // the new board is in place
    "board.slot-cleared",   // a slot is chosen and empty, not yet taken
    "bell.bound",           // a bell's socket stands under a temporary name
};

[[nodiscard]] inline std::span<const char* const> crashPointNames() {
  return crashPointTable;
}

/// A name of the table; checked by the compiler.
struct CrashPointName {
  // Not explicit: so that crashPoint("name") reads as it should.
  consteval CrashPointName(const char* given) : text(given) {
    for (const char* known : crashPointTable)
      if (std::string_view(known) == given) return;
    throw "this crash point is not in crashPointTable";
  }
  const char* text;
};

namespace detail {
extern std::atomic<bool> crashPointArmed;
void passCrashPoint(const char* name);
}  // namespace detail

/// Kills this process with SIGKILL at the count-th pass when it was started with CALLSHEET_CRASH_AT=NAME[:COUNT] in its
/// environment, and stops it with SIGSTOP, once, for CALLSHEET_STOP_AT=NAME[:COUNT]; otherwise costs one relaxed load.
/// Thread-safe. A process started with an unknown name exits with 2 at once.
inline void crashPoint(CrashPointName name) {
  if (detail::crashPointArmed.load(std::memory_order_relaxed)) [[unlikely]]
    detail::passCrashPoint(name.text);
}

}  // namespace v1
}  // namespace callsheet
