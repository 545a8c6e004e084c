# What commands print, as operators read it, and what operators say to running commands.
load helper

# printing: a command that prints a line, waits until letGo, and prints another one.
startPrinting() {
  id=$(callsheet add "$@" -- sh -c 'echo first; echo $$ >>"$0"; '"$untilGo"'; echo second' "$BATS_TEST_TMPDIR/endless.pids")
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  pid=$(endlessPids)
}

@test "the output of a running command can be read, followed, and read from its last lines on" {
  startPrincipal
  startPrinting
  [[ $(callsheet log --output "$id") == first ]]
  : >"$BATS_TEST_TMPDIR/followed"
  callsheet follow "$id" >"$BATS_TEST_TMPDIR/followed" 3>&- &
  follower=$!
  daemons+=("$follower")
  said() { [[ $(<"$BATS_TEST_TMPDIR/followed") == "$1" ]]; }
  eventually said first
  isRunning "$follower"
  letGo
  eventually hasEnded "$follower"
  wait "$follower"
  said $'first\nsecond'
  [[ $(callsheet log --tail 1 "$id") == second ]]
  [[ $(callsheet log --tail 2 "$id") == $'first\nsecond' ]]
  [[ $(callsheet log --output --follow "$id") == $'first\nsecond' ]]
}

@test "all of a long output is kept and read, and the end of it stands in the result" {
  startPrincipal
  id=$(callsheet add -- seq 1 200000)
  endsWith 0 callsheet wait "$id" --timeout 20
  [[ $(callsheet log --output "$id" | sha256sum) == "$(seq 1 200000 | sha256sum)" ]]
  [[ $(callsheet log --tail 3 "$id") == $'199998\n199999\n200000' ]]
  [[ $(field "$id" .result.truncatedBytes) -gt 1000000 ]]
  # Programs get the last mebibyte.
  json=$(callsheet log --output --json "$id")
  [[ $(jq -j '.output' <<<"$json" | tail -1) == 200000 && $(jq '.truncatedBytes' <<<"$json") -gt 0 ]]
}

@test "escape sequences stay in what is printed raw, and are not in JSON" {
  startPrincipal
  id=$(callsheet add -- printf '\033[31mred\033[0m \033]0;title\007plain\n')
  endsWith 0 callsheet wait "$id" --timeout 20
  [[ $(callsheet log --output "$id") == $'\e[31mred\e[0m \e]0;title\aplain' ]]
  [[ $(callsheet log --output --json "$id" | jq -r .output) == "red plain" ]]
  [[ $(callsheet follow --json "$id" | jq -r .output) == "red plain" ]]
  # The story for people steers no terminal.
  [[ $(callsheet log "$id") != *$'\e'* ]]
}

@test "stderr is kept apart when that is asked for, and in order with stdout otherwise" {
  startPrincipal
  apart=$(callsheet add --separate-stderr -- sh -c 'echo out; echo err >&2')
  together=$(callsheet add -- sh -c 'echo out; echo err >&2')
  endsWith 0 callsheet wait "$apart" "$together" --timeout 20
  [[ $(callsheet log --output "$apart") == out && $(callsheet log --stderr "$apart") == err ]]
  [[ $(callsheet log --output "$together") == $'out\nerr' ]]
}

@test "a command gets its input, its umask and its limits from the options of add" {
  startPrincipal
  id=$(echo "from here" | callsheet add --stdin - --umask 027 --nice 5 --ionice idle --memory 512M --cpu-time 1m -- sh -c 'cat; umask; nice; ionice; ulimit -v; ulimit -t')
  endsWith 0 callsheet wait "$id" --timeout 20
  [[ $(callsheet log --output "$id" | xargs) == "from here 0027 5 idle 524288 60" ]]
  echo "a file" >"$BATS_TEST_TMPDIR/given"
  cd "$BATS_TEST_TMPDIR"
  id=$(callsheet add --stdin given -- cat)
  endsWith 0 callsheet wait "$id" --timeout 20
  [[ $(callsheet log --output "$id") == "a file" ]]
}

@test "a running command can be paused and resumed, with no daemon too" {
  startPrincipal
  id=$(callsheet add -- "${endless[@]}")
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  pid=$(endlessPids)
  kill -KILL "$daemon"
  eventually hasEnded "$daemon"
  endsWith 0 callsheet pause "$id"
  eventually isStopped "$pid"
  endsWith 0 callsheet resume "$id"
  goesOn() { ! isStopped "$pid"; }
  eventually goesOn
  isRunning "$pid"
}

@test "kill ends a command at once that does not hear TERM, and its job is canceled" {
  startPrincipal
  id=$(callsheet add --grace 10m -- sh -c 'trap "" TERM; echo $$ >>"$0"; while :; do sleep 1; done' "$BATS_TEST_TMPDIR/endless.pids")  # check:allow-sleep
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  endsWith 0 callsheet kill --json "$id"
  [[ $(jq -r '.jobs[0].outcome' <<<"$output") == killed ]]
  endsWith 125 callsheet wait "$id" --timeout 10
  hasEnded "$(endlessPids)"
}

@test "what runs no command is not killed, paused or resumed, and nothing is done then" {
  startPrincipal
  running=$(callsheet add -- "${endless[@]}")
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  waiting=$(callsheet add --delay 1h -- true)
  for word in kill pause resume; do
    endsWith 4 callsheet "$word" "$running" "$waiting"
    saysOneSentence "runs no command now"
  done
  hasState "$running" in-progress
  isRunning "$(endlessPids)"
}

@test "a command whose shim stands still is shown as stalled until it goes on" {
  startPrincipal
  id=$(callsheet add -- "${endless[@]}")
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  shim=$(pgrep -f "^callsheet-shim $(field "$id" .id)")
  kill -STOP "$shim"
  waitUntil 40 fieldIs "$id" .stalled true
  [[ $(curl -sS --unix-socket "$CALLSHEET_LOCATION/default.callsheet/api.sock" "http://localhost/v1/tasks/${id: -8}") \
    == "{\"taskId\":\"${id: -8}\",\"state\":\"running\",\"stalled\":true}" ]]
  isRunning "$(endlessPids)"
  kill -CONT "$shim"
  waitUntil 20 fieldIs "$id" .stalled false
  [[ $(callsheet log "$id") == *"no signs of life"* ]]
}
