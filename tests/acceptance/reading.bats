# Reading: list, show, watch, log and their JSON, with no daemon running.
load helper

@test "reading works with no daemon running" {
  id=$(callsheet add -- echo hello)
  for command in "list" "show $id" "log $id" "directors" "stats" "check"; do
    # shellcheck disable=SC2086
    endsWith 0 callsheet $command
    [[ -n $output || $command == directors ]]
  done
}

@test "everything that reads prints JSON objects that carry v:1 with --json" {
  startPrincipal
  id=$(callsheet add -- echo hello)
  callsheet wait "$id" --timeout 20
  for command in "list" "show $id" "log $id" "log --output $id" "wait $id" "directors" "stats" "check" "cancel $id"; do
    # shellcheck disable=SC2086
    run --separate-stderr callsheet --json $command
    [[ $(jq -s 'length == 1 and .[0].v == 1' <<<"$output") == true ]] || { echo "$command: $output"; false; }
  done
  run --separate-stderr callsheet watch --json "$id"
  [[ $(jq -s 'length > 2 and all(.v == 1) and .[-1].job.state == "done"' <<<"$output") == true ]]
}

@test "data goes to stdout and messages go to stderr" {
  callsheet add -- true
  endsWith 0 callsheet directors
  [[ -z $output ]]
  saysOneSentence "no principal is alive"
}

@test "a job is found by its id, its short id and the beginning of either" {
  id=$(callsheet add -- true)
  short=${id: -8}
  for text in "$id" "${id//-/}" "$short" "${short:0:6}" "${id:0:12}" "${id^^}"; do
    [[ $(field "$text" .id) == "$id" ]] || { echo "not found by $text"; false; }
  done
}

@test "an ambiguous id is refused with the candidates" {
  one=$(callsheet add -- true)
  two=$(callsheet add -- true)
  endsWith 2 callsheet show "${one:0:4}"
  saysOneSentence "$one"
  saysOneSentence "$two"
}

@test "a long listing comes in pages that can be followed to the end" {
  for i in 1 2 3 4 5 6 7; do callsheet add -- echo "$i" >>"$BATS_TEST_TMPDIR/ids"; done
  next=""
  pages=0
  while :; do
    page=$(callsheet list --json --limit 3 ${next:+--page "$next"})
    jq -r '.jobs[].id' <<<"$page" >>"$BATS_TEST_TMPDIR/listed"
    pages=$((pages + 1))
    next=$(jq -r '.next // empty' <<<"$page")
    [[ -n $next ]] || break
  done
  [[ $pages == 3 ]]
  diff "$BATS_TEST_TMPDIR/ids" "$BATS_TEST_TMPDIR/listed"
  # The other way round.
  callsheet list --json --newest | jq -r '.jobs[].id' | tac | diff "$BATS_TEST_TMPDIR/ids" -
}

@test "a page that is filtered by outcome is as long as asked for" {
  startPrincipal
  for code in 0 1 0 1 0 1; do callsheet add -- sh -c "exit $code"; done >"$BATS_TEST_TMPDIR/ids"
  xargs callsheet wait --timeout 20 <"$BATS_TEST_TMPDIR/ids" || true
  first=$(callsheet list --json --state failed --limit 2)
  [[ $(jq '.jobs | length' <<<"$first") == 2 ]]
  rest=$(callsheet list --json --state failed --limit 2 --page "$(jq -r .next <<<"$first")")
  [[ $(jq -c '[.jobs[].outcome], .next' <<<"$rest" | xargs) == "[failed] null" ]]
  [[ $(callsheet list --json --state succeeded,failed | jq '.jobs | length') == 6 ]]
}

@test "list shows jobs by state, owner and kind" {
  startAssistant worker
  running=$(callsheet add --to worker -- "${endless[@]}")
  eventually hasState "$running" in-progress
  ready=$(callsheet add -- true)
  waiting=$(callsheet add --delay 1h --kind other/kind)
  [[ $(callsheet list --json --state in-progress | jq -r '.jobs[].id') == "$running" ]]
  [[ $(callsheet list --json --state ready | jq -r '.jobs[].id') == "$ready" ]]
  [[ $(callsheet list --json --state due | jq -r '.jobs[].id') == "$waiting" ]]
  [[ $(callsheet list --json --owner worker | jq -r '.jobs[].id') == "$running" ]]
  [[ $(callsheet list --json --owner principal | jq '.jobs | length') == 2 ]]
  [[ $(callsheet list --json --kind other/kind | jq -r '.jobs[].id') == "$waiting" ]]
  [[ $(callsheet list --json --quarantined | jq '.jobs | length') == 0 ]]
}

@test "show tells all about a job" {
  startPrincipal
  id=$(callsheet add --key my/key --label a=b -- sh -c 'echo to stdout; echo to stderr >&2; exit 3')
  callsheet wait "$id" --timeout 20 || true
  endsWith 0 callsheet show "$id"
  for text in "$id" callsheet.command done/failed principal my/key a=b "exit code   3" "to stdout" "to stderr" submit claim; do
    [[ $output == *"$text"* ]] || { echo "no '$text' in: $output"; false; }
  done
  json=$(callsheet show --json "$id")
  [[ $(jq -r '.result.exitCode, .result.output, .failure.message' <<<"$json") == *$'3\nto stdout\nto stderr'* ]]
  [[ $(jq -r '.createdAt' <<<"$json") =~ ^20[0-9-]+T[0-9:.]+Z$ ]]
}

@test "every transition stands in the log" {
  startPrincipal
  id=$(callsheet add -- true)
  callsheet wait "$id" --timeout 20
  [[ $(callsheet log --json "$id" | jq -r '[.entries[].move] | join(" ")') == "submit claim succeed" ]]
  page=$(callsheet log --json --limit 2 "$id")
  [[ $(callsheet log --json --page "$(jq -r .next <<<"$page")" "$id" | jq -r '.entries[].move') == succeed ]]
}

@test "watch follows a job until it is done" {
  id=$(callsheet add -- true)
  callsheet watch "$id" >"$BATS_TEST_TMPDIR/watched" 3>&- &
  watcher=$!
  daemons+=("$watcher")
  eventually grep -q submit "$BATS_TEST_TMPDIR/watched"
  startPrincipal
  wait "$watcher"
  grep -q 'succeed .*done' "$BATS_TEST_TMPDIR/watched"
}

@test "control characters in a job do not reach the terminal" {
  callsheet add --label name=$'\e[31mred' -- echo $'\e]0;title\a'
  endsWith 0 callsheet list
  [[ $output != *$'\e'* && $output == *'\x1b'* ]]
  endsWith 0 callsheet show "$(callsheet list --json | jq -r '.jobs[0].id')"
  [[ $output != *$'\e'* ]]
}

@test "stats counts the jobs and says what the store promises" {
  startPrincipal
  id=$(callsheet add -- false)
  callsheet wait "$id" --timeout 20 || true
  callsheet add --delay 1h -- true
  json=$(callsheet stats --json)
  [[ $(jq -c '[.submitted, .jobs, .waiting.due, .done.failed, .principalAlive, .durability, .format]' <<<"$json") == '[2,2,1,1,true,"power",1]' ]]
  endsWith 0 callsheet stats
  [[ $output == *"survives a power cut"* ]]
}

@test "the help of every command tells its options and the version is printed" {
  endsWith 0 callsheet --help
  help=$output
  for command in principal assistant add list show watch wait log cancel retry directors stats check backup; do
    [[ $help == *"  $command "* ]]
    run --separate-stderr callsheet "$command" --help
    [[ $status == 0 && $output == *"Usage: "* && -z $stderr ]]
  done
  endsWith 0 callsheet --version
  [[ $output =~ ^callsheet\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

@test "the names of all JSON members are written alike" {
  startPrincipal
  id=$(callsheet add -- true)
  callsheet wait "$id" --timeout 20
  json=$(callsheet show --json "$id")
  [[ $(jq -r 'has("execId") and has("holderId") and has("shortId") and (.log[1] | has("actorId"))' <<<"$json") == true ]]
  for command in "show $id" "log $id" list directors stats check "wait $id"; do
    # shellcheck disable=SC2086
    [[ -z $(callsheet $command --json | jq -r '[paths | .[-1] | strings | select(test("ID|_|^[A-Z]"))] | .[]') ]]
  done
}

@test "watch ends when its job stands in quarantine" {
  poison=$(callsheet add --kind killer)
  callsheet watch "$poison" >"$BATS_TEST_TMPDIR/watched" 2>"$BATS_TEST_TMPDIR/said" 3>&- &
  watcher=$!
  daemons+=("$watcher")
  quarantineKiller "$poison"
  waitUntil 10 hasEnded "$watcher"
  wait "$watcher"
  grep -q quarantine "$BATS_TEST_TMPDIR/watched"
  grep -q "callsheet cancel" "$BATS_TEST_TMPDIR/said"
  [[ $(callsheet watch --json "$poison" | tail -1 | jq -r '.job.waitingFor') == quarantine ]]
}


@test "the help of a command is about that command" {
  seen=
  for command in $(callsheet --help | sed -n 's/^  \([a-z]\{3,\}\) .*/\1/p' | grep -vx help); do
    help=$(callsheet "$command" --help)
    [[ $help != *"A job is named by its id"* && $help == *"callsheet --help"* ]]
    seen+=" $command"
  done
  [[ $seen == *" list show "* ]]
  [[ $(callsheet --help) == *"A job is named by its id"* ]]
}

isStuckWriting() { grep -q pipe_write "/proc/$1/wchan"; }

@test "a reader that nobody listens to pins nothing while it prints" {
  command -v mdb_stat >/dev/null || skip "lmdb-utils are not installed, which show the readers"
  { printf '"'; head -c 500 /dev/zero | tr '\0' a; printf '"'; } >"$BATS_TEST_TMPDIR/large"
  for _ in $(seq 1 200); do callsheet add --kind a --params-file "$BATS_TEST_TMPDIR/large" >/dev/null; done
  mkfifo "$BATS_TEST_TMPDIR/pipe"
  exec 9<>"$BATS_TEST_TMPDIR/pipe"
  callsheet list --limit 200 --json >"$BATS_TEST_TMPDIR/pipe" 3>&- 9>&- &
  lister=$!
  daemons+=("$lister")
  grep -q . /proc/self/wchan || skip "the kernel does not say where a process waits"
  eventually isStuckWriting "$lister"
  mdb_stat -r "$CALLSHEET_LOCATION/default.callsheet" >"$BATS_TEST_TMPDIR/readers" || true  # 1 when there is none
  grep -q "Reader Table Status" "$BATS_TEST_TMPDIR/readers"
  exec 9>&-
  [[ ! " $(xargs -n1 <"$BATS_TEST_TMPDIR/readers" | xargs) " =~ " $lister " ]]
}

@test "status shows what runs, what comes and what has ended, and stays up to date on a terminal" {
  startPrincipal --workers 1
  done=$(callsheet add -- echo over)
  endsWith 0 callsheet wait "$done" --timeout 20
  running=$(callsheet add -- "${going[@]}")
  eventually hasState "$running" in-progress
  coming=$(callsheet add -- echo later)
  endsWith 0 callsheet status
  [[ ${lines[0]} == "1 running, 1 ready, 0 waiting, 1 done (0 failed); the principal is alive" ]]
  [[ $(sed -n 's/^\([0-9a-f]\{8\}\) .*/\1/p' <<<"$output" | xargs) == "${running: -8} ${coming: -8} ${done: -8}" ]]
  [[ $output != *$'\e'* ]]
  [[ $(callsheet status --json | jq -r '[.v, .principalAlive, .running[0].id, .coming[0].id, .ended[0].id] | @tsv') \
    == $'1\ttrue\t'"$running"$'\t'"$coming"$'\t'"$done" ]]
  command -v script >/dev/null || skip "script of util-linux is not installed, which makes a terminal"
  # It shows the change by itself, and leaves the terminal as it was.
  TERM=xterm script -qec "echo \$\$ >'$BATS_TEST_TMPDIR/live.pid'; exec callsheet status" "$BATS_TEST_TMPDIR/screen" </dev/null >/dev/null 3>&- &
  live=$!
  eventually grep -qF "1 running, 1 ready" "$BATS_TEST_TMPDIR/screen"
  letGo
  eventually grep -qF "0 running, 0 ready, 0 waiting, 3 done" "$BATS_TEST_TMPDIR/screen"
  kill -INT "$(<"$BATS_TEST_TMPDIR/live.pid")"
  wait "$live" || true
  [[ $(tr -d '\r' <"$BATS_TEST_TMPDIR/screen") == *$'\e[?1049h'*$'\e[?1049l'* ]]
}
