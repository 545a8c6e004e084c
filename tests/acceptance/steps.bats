# Jobs of several steps as an operator sees them. The process that runs them is the process tests' director: the command
# itself has no such kind.

load helper

startDirector() {
  testDirector ""
  waitUntil 10 directorIsListed principal
}

shows() { [[ $(callsheet show "$1") == *"$2"* ]]; }
stepStates() { callsheet show "$1" --json | jq -r '.steps[] | "\(.name) \(.state)"' | sort | uniq -c | sed 's/^ *//'; }

@test "callsheet show ID draws the tree with states, times, attempts, results" {
  startDirector
  id=$(callsheet add --kind tree --params '{"depth":1,"width":2,"napMillis":3600000}')
  eventually hasState "$id" waiting
  [[ $(field "$id" .waitingFor) == sleep ]]
  run callsheet show "$id"
  echo "$output"
  [[ $output == *"steps:"* ]]
  [[ $output == *"├─ nap  waiting until 2"* || $output == *"└─ nap  waiting until 2"* ]]
  [[ $output =~ top:\ branch\ \ succeeded,\ [0-9.]+[a-z]+\ \ \"r\" ]]
  [[ $output =~ "branches: batch  succeeded" ]]
  [[ $output =~ 0:\ branch\ \ succeeded,\ [0-9.]+[a-z]+\ \ \"r0\" ]]
}

@test "a step that lasts is shown while it runs, with what waits for it, in --json too" {
  startDirector
  id=$(callsheet add --kind transfer-tree --params '{"withStubborn":true}')
  eventually shows "$id" "named-step  running"
  callsheet show "$id"
  [[ $(stepStates "$id") == *"named-step running"* ]]
  [[ $(callsheet show "$id") == *"asking: named-step  succeeded"* ]]
  touch "$CALLSHEET_LOCATION/release"
  callsheet wait "$id"
  [[ $(callsheet show "$id") == *"stubborn: named-step  succeeded"*"bytes, gone with the job's end)"* ]]
}

@test "node summaries stay until retention, and at failure successful values stay for retry, which takes them along" {
  startDirector
  id=$(callsheet add --kind big-step)
  run callsheet wait "$id"
  ((status != 0))
  run callsheet show "$id"
  echo "$output"
  [[ $output == *"branch  failed"*"result: "* && $output == *'branch  succeeded'*'"small"'* ]]
  again=$(callsheet retry "$id")
  run callsheet wait "$again"
  [[ $(field "$again" .retryOf) == "$id" ]]
  [[ $(callsheet show "$again") == *'branch  succeeded'*'"small"'* ]]
  [[ $(grep -c '^small$' "$CALLSHEET_LOCATION/steps") == 1 ]]
}

@test "a kind nobody alive knows stays ready and runs when a process that knows it is there" {
  startPrincipal
  id=$(callsheet add --kind tree --params '{"depth":0,"width":0,"napMillis":0}')
  eventually test -n "$(callsheet list --unclaimable)"
  hasState "$id" ready
  kill -TERM "$daemon"
  wait "$daemon"
  startDirector
  callsheet wait "$id"
}
