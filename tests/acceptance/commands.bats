# Commands as process trees: what they leave behind, and what becomes of it when daemons die or hang.
load helper

# left PID: whether a process that a command left behind still runs; for waitUntil.
noneIsLeft() { [[ -z $(livingEndlessPids) ]]; }

# noLockFiles: every attempt leaves one, and the principal removes them.
noLockFiles() { [[ -z $(ls "$CALLSHEET_LOCATION/default.callsheet/tasks") ]]; }

# leaveStray CODE: a script that starts a process in a session of its own and exits with the code. It says "both" when
# one of an earlier attempt still runs.
leaveStray() {
  # shellcheck disable=SC2016
  stray=(sh -c '
    for pid in $(cat "$0" 2>/dev/null); do
      case $(sed "s/.*) //; s/ .*//" "/proc/$pid/stat" 2>/dev/null) in "" | Z | X) ;; *) echo both ;; esac
    done
    before=$(wc -l <"$0" 2>/dev/null || echo 0)
    setsid sh -c "echo \$\$ >>\"\$0\"; exec sleep 600" "$0" &
    until [ "$(wc -l <"$0")" -gt "$before" ]; do :; done
    exit "$1"' "$BATS_TEST_TMPDIR/endless.pids" "$1")
}

@test "the second attempt of a command runs beside nothing that the first one left" {
  startPrincipal
  leaveStray 1
  id=$(callsheet add --retries 1 --retry-delay 0 -- "${stray[@]}")
  endsWith 1 callsheet wait "$id" --timeout 30
  [[ $(field "$id" .started) == 2 ]]
  [[ $(endlessPids | wc -l) == 2 ]]
  [[ $(callsheet log --output "$id") != *both* ]]
}

@test "what a done command left in a session of its own is ended, unless it closed the lock" {
  startPrincipal
  leaveStray 0
  endsWith 0 callsheet wait "$(callsheet add -- "${stray[@]}")" --timeout 30
  eventually noneIsLeft
  eventually noLockFiles
  # shellcheck disable=SC2016
  id=$(callsheet add -- bash -c 'setsid sh -c "echo \$\$ >>\"\$0\"; exec sleep 600" "$0" 109>&- & until [ "$(wc -l <"$0")" -gt 1 ]; do :; done' "$BATS_TEST_TMPDIR/endless.pids")
  endsWith 0 callsheet wait "$id" --timeout 30
  eventually noLockFiles
  isRunning "$(endlessPids | tail -1)"
}

@test "a command whose daemon was killed ends when its job is canceled" {
  startPrincipal
  id=$(callsheet add -- "${endless[@]}")
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  kill -KILL "$daemon"
  eventually hasEnded "$daemon"
  callsheet cancel "$id"
  isRunning "$(endlessPids)"
  startPrincipal
  endsWith 125 callsheet wait "$id" --timeout 20
  eventually noneIsLeft
  eventually noLockFiles
}

@test "a command whose daemon was killed ends while its job is waiting for a worker" {
  startPrincipal --workers 1
  startAssistant worker
  blocker=$(callsheet add -- sleep 600)
  id=$(callsheet add --to worker -- "${endless[@]}")
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  kill -KILL "$daemon"
  eventually fieldIs "$id" .owner principal
  eventually noneIsLeft
  hasState "$id" ready
  callsheet cancel "$blocker"
  endsWith 125 callsheet wait "$blocker" --timeout 20
}

@test "no process of a job in quarantine is left" {
  # shellcheck disable=SC2016
  poison=$(callsheet add -- sh -c 'echo $$ >>"$0"; kill -KILL $PPID; exec sleep 600' "$BATS_TEST_TMPDIR/endless.pids")
  for _ in 1 2 3 4 5 6 7; do
    daemon principal
    eventually hasEndedOrQuarantined "$daemon" "$poison"
    if isRunning "$daemon"; then break; fi
  done
  fieldIs "$poison" .waitingFor quarantine
  eventually noneIsLeft
  eventually noLockFiles
}

hasEndedOrQuarantined() { hasEnded "$1" || fieldIs "$2" .waitingFor quarantine; }

@test "a job of an assistant that hangs is done by the principal and does not fail for that" {
  startPrincipal --lease 5s
  startAssistant worker --workers 1
  id=$(callsheet add --to worker -- sh -c 'echo $$ >>"$0"; test "$(wc -l <"$0")" -ge 2 || exec sleep 600' "$BATS_TEST_TMPDIR/endless.pids")
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  kill -STOP "$daemon"
  # It is never woken up: it holds its lock to the end.
  endsWith 0 callsheet wait "$id" --timeout 30
  [[ $(field "$id" '.owner, .started, .failures' | xargs) == "principal 2 0" ]]
  hasEnded "$(head -1 "$BATS_TEST_TMPDIR/endless.pids")"
}
