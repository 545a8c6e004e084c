# Commands that outlive their daemons: what becomes of them when daemons and shims die, stop or hang.
load helper

# shimOf ID: the process that holds the command's attempt.
shimOf() { callsheet show --json "$1" | jq -r .id | xargs -I{} pgrep -f "^callsheet-shim {}"; }

# killDaemon: the last one, at once.
killDaemon() {
  kill -KILL "$daemon"
  eventually hasEnded "$daemon"
}

# startEndless ARGUMENTS...: adds the endless command and waits until it runs; its job is $id, its process $pid.
startEndless() {
  id=$(callsheet add "$@" -- "${endless[@]}")
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  pid=$(endlessPids)
}

@test "a command goes on when its principal is killed, and the next one waits for its end" {
  startPrincipal
  id=$(callsheet add -- sh -c 'echo begun; echo $$ >"$0"; '"$untilGo"'; echo ended; exit 3' "$BATS_TEST_TMPDIR/pid")
  eventually test -s "$BATS_TEST_TMPDIR/pid"
  killDaemon
  isRunning "$(<"$BATS_TEST_TMPDIR/pid")"
  startPrincipal
  [[ $(field "$id" '.state, .attempt, .started' | xargs) == "in-progress 1 1" ]]
  touch "$BATS_TEST_TMPDIR/pid.go"
  endsWith 3 callsheet wait "$id" --timeout 20
  [[ $(callsheet log --output "$id") == $'begun\nended' ]]
  [[ $(field "$id" '.attempt, .failures' | xargs) == "1 1" ]]
}

@test "what ends while nobody runs is found with its code, its output and its own times" {
  startPrincipal
  id=$(callsheet add -- sh -c 'echo $$ >"$0"; echo said; '"$untilGo"'; exit 7' "$BATS_TEST_TMPDIR/pid")
  eventually test -s "$BATS_TEST_TMPDIR/pid"
  killDaemon
  shim=$(shimOf "$id")
  touch "$BATS_TEST_TMPDIR/pid.go"
  eventually hasEnded "$shim"
  before=$(date -u +%Y-%m-%dT%H:%M:%S.%6N)
  startPrincipal
  endsWith 7 callsheet wait "$id" --timeout 20
  [[ $(callsheet log --output "$id") == said ]]
  [[ $(field "$id" .result.finishedAt) < $before ]]
}

@test "an assistant's command goes on under the principal when its assistant is killed, in the same process" {
  startPrincipal
  startAssistant worker
  startEndless --to worker
  killDaemon
  eventually fieldIs "$id" .owner principal
  isRunning "$pid"
  [[ $(field "$id" '.state, .attempt, .holderDeaths' | xargs) == "in-progress 1 0" ]]
  callsheet cancel "$id"
  endsWith 125 callsheet wait "$id" --timeout 20
  hasEnded "$pid"
}

@test "a command goes on when assistant and principal are killed together" {
  startPrincipal
  principal=$daemon
  startAssistant worker
  startEndless --to worker
  kill -KILL "$principal" "$daemon"
  eventually hasEnded "$principal"
  eventually hasEnded "$daemon"
  startPrincipal
  eventually fieldIs "$id" .owner principal
  isRunning "$pid"
  [[ $(field "$id" '.state, .attempt' | xargs) == "in-progress 1" ]]
}

@test "to stop a daemon stops none of its commands, and it says how many go on" {
  startPrincipal
  startEndless
  kill -TERM "$daemon"
  wait "$daemon"
  daemonSaid "$daemon" "1 commands go on without it"
  isRunning "$pid"
  startPrincipal
  callsheet cancel "$id"
  endsWith 125 callsheet wait "$id" --timeout 20
  hasEnded "$pid"
}

@test "a command that is canceled while nobody runs is stopped by the next principal" {
  startPrincipal
  startEndless
  killDaemon
  callsheet cancel "$id"
  isRunning "$pid"
  startPrincipal
  endsWith 125 callsheet wait "$id" --timeout 20
  hasEnded "$pid"
}

@test "a command whose shim is killed is lost and fails, unless it may be tried again" {
  startPrincipal
  startEndless
  kill -KILL "$(shimOf "$id")"
  endsWith 1 callsheet wait "$id" --timeout 20
  [[ $(field "$id" '.outcome, .failure.type, .attempt' | xargs) == "failed lost 1" ]]
  eventually hasEnded "$pid"
  # And while nobody runs.
  : >"$BATS_TEST_TMPDIR/endless.pids"
  startEndless --retries 1 --retry-delay 0
  shim=$(shimOf "$id")
  killDaemon
  kill -KILL "$shim"
  eventually hasEnded "$pid"
  startPrincipal
  eventually fieldIs "$id" .attempt 2
  eventually fieldIs "$id" .state in-progress
  [[ $(field "$id" .failures) == 1 ]]
  callsheet cancel "$id"
  endsWith 125 callsheet wait "$id" --timeout 20
}

@test "a command whose shim somebody asks to end is stopped with its tree, and fails for that" {
  startPrincipal
  startEndless
  kill -TERM "$(shimOf "$id")"
  endsWith 143 callsheet wait "$id" --timeout 20
  [[ $(field "$id" '.outcome, .failure.type' | xargs) == "failed stopped" ]]
  hasEnded "$pid"
}

@test "a command that was handed out and never begun is begun by the next principal" {
  id=$(callsheet add -- echo done)
  CALLSHEET_CRASH_AT=command.claimed daemon principal
  eventually hasEnded "$daemon"
  [[ $(field "$id" .state) == in-progress ]]
  startPrincipal
  endsWith 0 callsheet wait "$id" --timeout 20
  [[ $(field "$id" '.attempt, .started, .failures' | xargs) == "2 2 0" ]]
}

@test "a command that began though its daemon died before it knew is not begun again" {
  id=$(callsheet add -- sh -c 'echo once >>"$0"' "$BATS_TEST_TMPDIR/ran")
  CALLSHEET_CRASH_AT=command.started daemon principal
  eventually hasEnded "$daemon"
  startPrincipal
  endsWith 0 callsheet wait "$id" --timeout 20
  [[ $(<"$BATS_TEST_TMPDIR/ran") == once && $(field "$id" .attempt) == 1 ]]
}

@test "a command that kills its own shim is lost, and nothing of it is left" {
  startPrincipal
  # shellcheck disable=SC2016
  id=$(callsheet add -- sh -c 'echo $$ >>"$0"; setsid sh -c "echo \$\$ >>\"\$0\"; exec sleep 600" "$0" & until [ "$(wc -l <"$0")" = 2 ]; do :; done; kill -KILL $PPID; exec sleep 600' "$BATS_TEST_TMPDIR/endless.pids")
  endsWith 1 callsheet wait "$id" --timeout 20
  [[ $(field "$id" .failure.type) == lost ]]
  eventually noneIsLeft
}

noneIsLeft() { [[ -z $(livingEndlessPids) ]]; }

@test "an assistant that hangs is fenced, and its command goes on under the principal in the same process" {
  startPrincipal --lease 5s
  startAssistant worker --workers 1
  startEndless --to worker
  kill -STOP "$daemon"
  waitUntil 30 fieldIs "$id" .owner principal
  isRunning "$pid"
  [[ $(field "$id" '.state, .attempt, .failures' | xargs) == "in-progress 1 0" ]]
  # It wakes up, begins anew, and lets go of what is not its any more.
  kill -CONT "$daemon"
  eventually daemonSaid "$daemon" "was fenced"
  isRunning "$pid"
  callsheet cancel "$id"
  endsWith 125 callsheet wait "$id" --timeout 20
  hasEnded "$pid"
}

@test "no more commands run at a time than there are workers, adopted ones counted, and all their codes are right" {
  startPrincipal --workers 3
  one='echo $$ >>"$0.now"; n=$(grep -c . "$0.now"); echo "$n" >>"$0.seen"; '"$untilGo"'; exit $1'
  for code in 0 1 2 3 4 5 6 7; do ids+=("$(callsheet add -- sh -c "$one" "$BATS_TEST_TMPDIR/c" $code)"); done
  eventually countIs 3 in-progress
  killDaemon
  startPrincipal --workers 3
  eventually countIs 3 in-progress
  [[ $(wc -l <"$BATS_TEST_TMPDIR/c.now") == 3 ]]
  touch "$BATS_TEST_TMPDIR/c.go"
  for code in 0 1 2 3 4 5 6 7; do endsWith "$code" callsheet wait "${ids[$code]}" --timeout 30; done
  [[ $(jq -s add <<<"$(for id in "${ids[@]}"; do field "$id" .attempt; done)") == 8 ]]
  # No zombies: whoever started a shim has waited for it.
  eventually noZombies
}

countIs() { [[ $(callsheet list --json --state "$2" | jq '.jobs | length') == "$1" ]]; }
noZombies() { [[ -z $(ps -o stat= --ppid "$daemon" | grep Z) ]]; }

@test "the second attempt of a command runs beside nothing that the first one left" {
  startPrincipal
  # shellcheck disable=SC2016
  id=$(callsheet add --retries 1 --retry-delay 0 -- sh -c '
    for pid in $(cat "$0" 2>/dev/null); do
      case $(sed "s/.*) //; s/ .*//" "/proc/$pid/stat" 2>/dev/null) in "" | Z | X) ;; *) echo both ;; esac
    done
    before=$(wc -l <"$0" 2>/dev/null || echo 0)
    setsid sh -c "echo \$\$ >>\"\$0\"; exec sleep 600" "$0" &
    until [ "$(wc -l <"$0")" -gt "$before" ]; do :; done
    exit 1' "$BATS_TEST_TMPDIR/endless.pids")
  endsWith 1 callsheet wait "$id" --timeout 30
  [[ $(field "$id" .started) == 2 && $(endlessPids | wc -l) == 2 ]]
  [[ $(callsheet log --output "$id") != *both* ]]
  noneIsLeft
}

@test "what a done command left is ended, in a session of its own and without the lock too" {
  startPrincipal
  # shellcheck disable=SC2016
  id=$(callsheet add -- bash -c 'setsid bash -c "exec 109>&-; echo \$\$ >>\"\$0\"; exec sleep 600" "$0" & until [ -s "$0" ]; do :; done' "$BATS_TEST_TMPDIR/endless.pids")
  endsWith 0 callsheet wait "$id" --timeout 30
  noneIsLeft
}

@test "a directory that somebody removes costs its running command the end, and nothing else" {
  startPrincipal
  startEndless
  rm -r "$CALLSHEET_LOCATION/default.callsheet/tasks/$(field "$id" .id)"
  killDaemon
  startPrincipal
  eventually fieldIs "$id" .owner principal
  isRunning "$pid"
  kill "$pid"
  endsWith 1 callsheet wait "$id" --timeout 20
  [[ $(field "$id" '.failure.type, .attempt' | xargs) == "lost 1" ]]
}

@test "a done job's directory stays with its output, and goes when retention lets the job go" {
  startPrincipal
  id=$(callsheet add -- echo kept)
  endsWith 0 callsheet wait "$id" --timeout 20
  directory=$CALLSHEET_LOCATION/default.callsheet/tasks/$(field "$id" .id)
  [[ $(<"$directory/output.log") == kept ]]
  [[ $(jq -r '.task_id, .exit_code' "$directory"/*.result | xargs) == "$(field "$id" .shortId) 0" ]]
}
