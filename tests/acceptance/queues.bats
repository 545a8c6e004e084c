# Queues with limits and pauses, and jobs that run after others.
load helper

# How many lines "+" were ahead of the lines "-" at most: how many ran at once.
mostAtOnce() { awk '$1 == "+" { if (++now > most) most = now } $1 == "-" { --now } END { print most + 0 }' "$1"; }

# tally: a command that writes when it begins and when it ends into $log.
tally() {
  log=$BATS_TEST_TMPDIR/tally
  # shellcheck disable=SC2016,SC2034
  tallied=(sh -c 'echo "+" >>"$0"; i=0; while [ $i -lt 2000 ]; do i=$((i + 1)); done; echo "-" >>"$0"' "$log")
}

# queueIs QUEUE FILTER VALUE: what jq's filter finds of it.
queueIs() { [[ $(callsheet queue list "$1" --json | jq -r ".queues[0] | $2") == "$3" ]]; }

@test "a queue runs no more of its commands at once than it says, and all of them end" {
  callsheet queue add gpu --parallel 3
  tally
  ids=()
  for _ in {1..40}; do ids+=("$(callsheet add --queue gpu -- "${tallied[@]}")"); done
  startPrincipal --workers 10
  startAssistant helper
  for _ in {1..20}; do ids+=("$(callsheet add --queue gpu --to helper -- "${tallied[@]}")"); done
  endsWith 0 callsheet wait "${ids[@]}" --timeout 60
  [[ $(grep -c '^-$' "$log") == 60 ]]
  (($(mostAtOnce "$log") <= 3))
  queueIs gpu .running 0
}

@test "without a limit more run at once, so the count above can fail" {
  tally
  tallied[2]=${tallied[2]/i -lt 2000/i -lt 200000}
  ids=()
  for _ in {1..8}; do ids+=("$(callsheet add --queue gpu -- "${tallied[@]}")"); done
  startPrincipal --workers 8
  endsWith 0 callsheet wait "${ids[@]}" --timeout 60
  (($(mostAtOnce "$log") > 3))
}

@test "a paused queue starts nothing while what runs goes on, and goes on itself when it is resumed" {
  startPrincipal
  running=$(callsheet add --queue gpu -- "${going[@]}")
  eventually hasState "$running" in-progress
  callsheet queue pause gpu
  held=$(callsheet add --queue gpu -- true)
  endsWith 0 callsheet wait "$(callsheet add -- true)" --timeout 20
  hasState "$held" ready
  [[ $(callsheet show "$held") == *"its queue is paused"* ]]
  callsheet status | grep -q "ready (queue paused)"
  letGo
  endsWith 0 callsheet wait "$running" --timeout 20
  hasState "$held" ready
  callsheet queue resume gpu
  endsWith 0 callsheet wait "$held" --timeout 20
}

@test "a pause survives the principal, and a limit may be changed while jobs run" {
  startPrincipal
  callsheet queue add gpu --parallel 1
  first=$(callsheet add --queue gpu -- "${going[@]}")
  eventually hasState "$first" in-progress
  second=$(callsheet add --queue gpu -- "${going[@]}")
  kill -KILL "$daemon"
  eventually hasEnded "$daemon"
  startPrincipal
  endsWith 0 callsheet wait "$(callsheet add -- true)" --timeout 20
  hasState "$second" ready
  [[ $(callsheet show "$second") == *"its queue is full: 1 of 1 run"* ]]
  queueIs gpu .running 1
  callsheet queue limit gpu 2
  eventually hasState "$second" in-progress
  callsheet queue limit gpu 1
  hasState "$second" in-progress
  letGo
  endsWith 0 callsheet wait "$first" "$second" --timeout 20
}

@test "queues are listed with their settings and jobs, and forgotten again" {
  callsheet queue add gpu --parallel 2
  callsheet queue pause tape
  callsheet add --queue gpu -- true
  callsheet add --queue gpu --delay 1h -- true
  callsheet add -- true
  run callsheet queue list
  [[ ${lines[0]} =~ ^QUEUE\ +STATE\ +PARALLEL\ +RUNNING\ +READY\ +WAITING ]]
  [[ ${lines[1]} =~ ^default\ +open\ +-\ +0\ +1\ +0 ]]
  [[ ${lines[2]} =~ ^gpu\ +open\ +2\ +0\ +1\ +1 ]]
  [[ ${lines[3]} =~ ^tape\ +paused\ +-\ +0\ +0\ +0 ]]
  [[ $(callsheet queue list --json | jq -c '.queues[1]') == \
    '{"queue":"gpu","parallel":2,"paused":false,"set":true,"running":0,"ready":1,"waiting":1}' ]]
  [[ $(callsheet queue list --json | jq -c '[.v, (.queues | length), .queues[0].parallel]') == '[1,3,null]' ]]
  callsheet queue rm gpu
  queueIs gpu .set false
  callsheet queue rm tape
  endsWith 3 callsheet queue list tape
  saysOneSentence "there is no queue 'tape'"
  endsWith 3 callsheet queue rm tape
}

@test "what queue is not given, or given wrongly, it says in one sentence" {
  endsWith 2 callsheet queue
  endsWith 2 callsheet queue frobnicate gpu
  saysOneSentence frobnicate
  endsWith 2 callsheet queue pause
  saysOneSentence "callsheet queue pause QUEUE"
  endsWith 2 callsheet queue limit gpu
  saysOneSentence "callsheet queue limit gpu N"
  endsWith 2 callsheet queue pause gpu 3
  endsWith 2 callsheet queue limit gpu 3 --parallel 3
  endsWith 2 callsheet queue limit gpu many
  [[ ! -e $CALLSHEET_LOCATION/default.callsheet ]]
  endsWith 4 callsheet queue add ../x
  saysOneSentence "not a queue's name"
  callsheet queue add gpu --parallel 2
  callsheet queue add gpu --parallel 2
  endsWith 75 callsheet queue add gpu --parallel 3
  saysOneSentence "callsheet queue limit"
  queueIs gpu .parallel 2
}

@test "a job begins when the one before it has ended as it asked for, and else ends canceled with the reason" {
  startPrincipal
  good=$(callsheet add -- true)
  bad=$(callsheet add -- false)
  declare -A expected=([good:success]=succeeded [good:failure]=canceled [good:always]=succeeded
    [bad:success]=canceled [bad:failure]=succeeded [bad:always]=succeeded)
  for case in "${!expected[@]}"; do
    first=${case%:*}
    id=$(callsheet add --after "${!first}:${case#*:}" -- true)
    run callsheet wait "$id" --timeout 20
    fieldIs "$id" .outcome "${expected[$case]}"
    [[ ${expected[$case]} == succeeded || $(callsheet log "$id") == *"job ${!first} was to "*" first, and it "* ]]
  done
}

@test "a job after several waits for all of them" {
  startPrincipal
  waits=$(callsheet add -- "${going[@]}")
  quick=$(callsheet add -- true)
  both=$(callsheet add --after "$quick,$waits:always" -- true)
  either=$(callsheet add --after "$quick" --after "$waits" -- true)
  endsWith 0 callsheet wait "$quick" --timeout 20
  hasState "$both" waiting
  fieldIs "$both" .waitingFor dependency
  [[ $(callsheet show "$both") == *"after       $quick (success), done/succeeded"*"$waits (always), "* ]]
  [[ $(callsheet list --state dependency --json | jq '.jobs | length') == 2 ]]
  callsheet cancel "$waits"
  endsWith 0 callsheet wait "$both" --timeout 20
  run callsheet wait "$either" --timeout 20
  fieldIs "$either" .outcome canceled
}

@test "a chain goes on and ends whenever the principal is killed in between" {
  list=$BATS_TEST_TMPDIR/list
  # shellcheck disable=SC2016
  last=$(callsheet add -- "${going[@]}")
  first=$last
  for step in 1 2 3 4 5 6; do
    # shellcheck disable=SC2016
    last=$(callsheet add --after "$last" -- sh -c 'echo "$1" >>"$0"' "$list" "$step")
  done
  startPrincipal
  eventually hasState "$first" in-progress
  for _ in 1 2 3; do
    kill -KILL "$daemon"
    eventually hasEnded "$daemon"
    letGo
    startPrincipal
  done
  endsWith 0 callsheet wait "$last" --timeout 30
  [[ $(<"$list") == $'1\n2\n3\n4\n5\n6' ]]
}

@test "whoever cancels a job ends with it what was to come after it, with no daemon running" {
  first=$(callsheet add -- true)
  second=$(callsheet add --after "$first" -- true)
  third=$(callsheet add --after "$second" -- true)
  anyway=$(callsheet add --after "$third:always" -- true)
  callsheet cancel "$first"
  fieldIs "$second" .outcome canceled
  fieldIs "$third" .outcome canceled
  hasState "$anyway" ready
}

@test "what nobody can wait for is refused, and nothing is added" {
  first=$(callsheet add -- true)
  endsWith 3 callsheet add --after ffffffff -- true
  endsWith 4 callsheet add --after "$first:sometime" -- true
  saysOneSentence "success, failure or always"
  endsWith 4 callsheet add --after "$first,$first:always" -- true
  saysOneSentence "twice"
  [[ $(callsheet list --json | jq '.jobs | length') == 1 ]]
}

@test "a job done again does not wait for what it once ran after" {
  startPrincipal
  bad=$(callsheet add -- false)
  id=$(callsheet add --after "$bad" -- true)
  run callsheet wait "$id" --timeout 20
  again=$(callsheet retry "$id")
  endsWith 0 callsheet wait "$again" --timeout 20
  [[ $(field "$again" '.after | length') == 0 ]]
}
