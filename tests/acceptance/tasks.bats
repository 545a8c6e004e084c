# Tasks over HTTP, as the clients of the Tessia task runner know them: with its own request lines and its own example.
load helper
load api_helper

setup() {
  callsheetSetup
  sample=$BATS_TEST_DIRNAME/golden/sample_task.json
}

# serveTasks ARGUMENTS...: a principal whose address is $base; its store's tasks are below $tasks.
serveTasks() {
  serve --no-auth "$@"
  base=$url
  tasks=$CALLSHEET_LOCATION/default.callsheet/tasks
}
# post TEXT: sets $code and $body; the task's id, if there is one, is $id.
post() {
  body=$(curl -sS --max-time 20 -w '\n%{http_code}' "$base/v1/tasks" -H 'Content-Type: application/json' --data-binary "$1")
  code=${body##*$'\n'}
  body=${body%$'\n'*}
  id=$(jq -r '.taskId // empty' <<<"$body")
}
# postEcho STATEMENTS: as one text, which must be accepted.
postEcho() {
  post "$(jq -cn --arg lines "$1" '{machine: "echo", parameters: $lines}')"
  [[ $code == 201 ]] || { echo "instead of 201 the answer is $code $body" >&2; return 1; }
}
# postTaken TEXT: the same, for a task that a worker takes before the answer. On a loaded machine none may come in time;
# then the answer is "created", and whatever becomes of the task is seen later.
postTaken() {
  for _ in {1..20}; do
    post "$1"
    [[ $code == 201 && $body == *'"state":"created"'* ]] || return 0
    eventually fieldIs "$id" .state done
  done
}
# call METHOD PATH: sets $code and $body.
call() {
  body=$(curl -sS --max-time 20 -w '\n%{http_code}' -X "$1" "$base$2")
  code=${body##*$'\n'}
  body=${body%$'\n'*}
}
# answers CODE TEXT: whether the last answer is just that.
answers() {
  [[ $code == "$1" && ($body == "$2" || $body == "$2"$'\n') ]] || { echo "instead of $1 $2 the answer is $code $body" >&2; return 1; }
}
# isDetail CODE TEXT...: whether it is an error of this API with those texts.
isDetail() {
  local text
  [[ $code == "$1" ]] && holds 'keys == ["detail"] and (.detail | type == "string")' <<<"$body" ||
    { echo "instead of a detail with $1 the answer is $code $body" >&2; return 1; }
  for text in "${@:2}"; do [[ $body == *"$text"* ]] || { echo "'$text' is not in: $body" >&2; return 1; }; done
}
# hasTaskState ID STATE: for waitUntil.
hasTaskState() { [[ $(curl -sS --max-time 20 "$base/v1/tasks/$1") == "{\"taskId\":\"$1\",\"state\":\"$2\"}" ]]; }
# directoryOf ID, resultOf ID FILTER: the task's files.
directoryOf() { echo "$tasks"/*"$1"; }
resultOf() { jq -r "$2" "$(directoryOf "$1")/$1.result"; }

@test "the task runner's own example runs as two processes beside each other, and their files tell of it" {
  serveTasks
  line="curl -s -X POST --url http://localhost:8000/v1/tasks --data-binary @$sample -H 'Content-Type: application/json'"
  before=$(now)
  first=$(eval "${line/localhost:8000/${base#http://}}")
  second=$(eval "${line/localhost:8000/${base#http://}}")
  # It does not wait for the end, which comes after 7.5 s.
  (($(elapsed "$before") < 5000))
  [[ $first =~ ^\{\"taskId\":\"([0-9a-f]{8})\",\"state\":\"running\"\}$ ]]
  one=${BASH_REMATCH[1]}
  [[ $second =~ ^\{\"taskId\":\"([0-9a-f]{8})\",\"state\":\"running\"\}$ ]]
  other=${BASH_REMATCH[1]}
  [[ $one != "$other" ]]
  call GET "/v1/tasks/$one"
  answers 200 "{\"taskId\":\"$one\",\"state\":\"running\"}"
  call GET /v1/tasks
  answers 200 "[{\"taskId\":\"$other\",\"state\":\"running\"},{\"taskId\":\"$one\",\"state\":\"running\"}]"
  [[ $(resultOf "$one" .process_id) != $(resultOf "$other" .process_id) ]]
  eventually hasTaskState "$one" exited
  eventually hasTaskState "$other" exited
  # Both together take as long as one.
  isBetween 7500 "$(elapsed "$before")" 14000
  for id in "$one" "$other"; do
    [[ $(resultOf "$id" '[.task_id, .exit_code] | @tsv') == "$id"$'\t0' ]]
    began=$(millisOf "$(resultOf "$id" .started_at)")
    isBetween 7500 $(($(millisOf "$(resultOf "$id" .finished_at)") - began)) 12000
    output=$(<"$(directoryOf "$id")/output.log")
    for text in "The task has stared and will now sleep" " WARNING Important message" " ERROR Another important message" \
      " CRITICAL And done" "Task has now completed"; do
      [[ $output == *"$text"* ]]
    done
  done
}

@test "what is no task is refused with what is missing, and nothing is made" {
  serveTasks
  post '{"without-machine-parameters":"request-is-invalid"}'
  isDetail 400 "Task validation failed: " "'machine'" "'parameters'"
  post '{bad'
  isDetail 400 "Task validation failed: "
  post '{"machine":"echo","parameters":[],"more":1}'
  isDetail 400 "'more'"
  post '{"machine":5,"parameters":[]}'
  isDetail 400 "'machine'"
  post '{"machine":"nope","parameters":[]}'
  isDetail 400 "'nope'" command echo
  post '{"machine":"echo","parameters":["jump"]}'
  isDetail 400 "'jump'"
  post '{"machine":"command","parameters":{"argv":[]}}'
  isDetail 400 "program"
  post 'machine=echo'
  isDetail 400 "Task validation failed: "
  [[ -z $(ls -A "$tasks") ]]
  call GET /v1/tasks
  answers 200 "[]"
  [[ $(callsheet stats --json | jq .submitted) == 0 ]]
}

@test "a task that there is none of is answered with 404, whatever is asked of it" {
  serveTasks
  for ask in "GET " "DELETE " "POST /stop" "GET /output"; do
    call "${ask% *}" "/v1/tasks/some-unspecified-id${ask#* }"
    isDetail 404 some-unspecified-id
  done
  # Nor is a job that is no command a task.
  job=$(callsheet add --kind report)
  call GET "/v1/tasks/${job: -8}"
  isDetail 404 "${job: -8}"
}

@test "what the server says of itself is what the task runner's clients expect" {
  serveTasks
  call GET /
  answers 200 '{"name":"task_runner","apis":[{"root":"/v1","version":"0.0.1","min_version":"0.0.0"}]}'
  call GET /v1/
  answers 200 '{"success":true}'
  call GET /v1/schema
  answers 200 '{"/":"api root"}'
}

@test "a stopped task is gone when the answer comes, and to stop it again changes nothing" {
  serveTasks
  postEcho $'echo up\nsleep 60\ncleanup\necho cleaned up'
  eventually grep -q up "$(directoryOf "$id")/output.log"
  before=$(now)
  call POST "/v1/tasks/$id/stop"
  answers 200 "{\"taskId\":\"$id\",\"state\":\"exited\"}"
  (($(elapsed "$before") < 5000))
  [[ $(resultOf "$id" .exit_code) == -1 ]]
  hasEnded "$(resultOf "$id" .process_id)"
  [[ $(<"$(directoryOf "$id")/output.log") == $'up\ncleaned up' ]]
  call POST "/v1/tasks/$id/stop"
  answers 200 "{\"taskId\":\"$id\",\"state\":\"exited\"}"
  # Of what does not end at once the answer does not wait for the end.
  post "$(jq -cn '{machine: "command", parameters: {argv: ["sh", "-c", "trap : TERM; echo up; while :; do sleep 0.05; done"]}}')"  # check:allow-sleep
  eventually grep -q up "$(directoryOf "$id")/output.log"
  call POST "/v1/tasks/$id/stop"
  answers 200 "{\"taskId\":\"$id\",\"state\":\"stopping\"}"
  callsheet kill "$id"
  eventually hasTaskState "$id" exited
  call POST "/v1/tasks/$id/stop"
  answers 200 "{\"taskId\":\"$id\",\"state\":\"exited\"}"
}

@test "a forgotten task is known to nobody and goes on" {
  serveTasks
  post "$(jq -cn --args '{machine: "command", parameters: {argv: $ARGS.positional}}' -- "${going[@]}")"
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  call DELETE "/v1/tasks/$id"
  answers 200 '{"success":true}'
  call GET "/v1/tasks/$id"
  isDetail 404 "$id"
  call DELETE "/v1/tasks/$id"
  isDetail 404 "$id"
  call GET /v1/tasks
  answers 200 "[]"
  isRunning "$(endlessPids)"
  [[ $(callsheet list --json | jq '.jobs | length') == 0 ]]
  [[ $(callsheet list --forgotten --json | jq '.jobs | length') == 1 ]]
  hasState "$id" in-progress
  directory=$(directoryOf "$id")
  letGo
  endsWith 0 callsheet wait "$id" --timeout 20
  # What it took on the disk goes with it.
  eventually test ! -e "$directory"
}

@test "a task's codes are those of tasks, a command's are its own" {
  serveTasks
  postEcho $'echo before\nraise it went wrong'
  eventually hasTaskState "$id" exited
  [[ $(resultOf "$id" .exit_code) == -3 ]]
  [[ $(<"$(directoryOf "$id")/output.log") == before$'\n'*"it went wrong"* ]]
  post '{"machine":"echo","parameters":["return 3"]}'
  eventually hasTaskState "$id" exited
  [[ $(resultOf "$id" .exit_code) == 0 ]]
  post '{"machine":"command","parameters":{"argv":["sh","-c","echo $NAME; pwd; exit 7"],"env":{"NAME":"VALUE"},"cwd":"/"}}'
  eventually hasTaskState "$id" exited
  [[ $(resultOf "$id" .exit_code) == 7 ]]
  [[ $(<"$(directoryOf "$id")/output.log") == $'VALUE\n/' ]]
}

@test "a task that cannot be started is answered with 500, its job has failed, and the next one runs" {
  serveTasks
  postTaken '{"machine":"command","parameters":{"argv":["callsheet-no-such-program"]}}'
  isDetail 500 "could not be started" "No such file"
  [[ $(callsheet list --json | jq -r '.jobs[0].outcome') == failed ]]
  # Nor where there is no place for its files.
  # (Whoever looks for it makes it anew.)
  until [[ -f $tasks ]]; do rm -rf "$tasks"; touch "$tasks"; done
  postTaken '{"machine":"echo","parameters":["echo a"]}'
  isDetail 500 "could not be started"
  rm "$tasks"
  postEcho "echo a"
  eventually hasTaskState "$id" exited
}

@test "a task for which there is no worker yet is created, and runs when there is one" {
  serveTasks --workers 1
  post "$(jq -cn --args '{machine: "command", parameters: {argv: $ARGS.positional}}' -- "${going[@]}")"
  answers 201 "{\"taskId\":\"$id\",\"state\":\"running\"}"
  post '{"machine":"echo","parameters":["echo a"]}'
  answers 201 "{\"taskId\":\"$id\",\"state\":\"created\"}"
  letGo
  eventually hasTaskState "$id" exited
}

@test "a task goes on when the server is killed, and the next server tells how it ended" {
  serveTasks
  postEcho $'echo first\nsleep 1\necho second'
  ended=$id
  post "$(jq -cn --args '{machine: "command", parameters: {argv: $ARGS.positional}}' -- "${endless[@]}")"
  lost=$id
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  killPrincipal
  pkill -KILL -f "^callsheet-shim $(basename "$(directoryOf "$lost")")"
  eventually hasEnded "$(resultOf "$ended" .process_id)"
  finished=$(resultOf "$ended" .finished_at)
  serveTasks
  eventually hasTaskState "$ended" exited
  eventually hasTaskState "$lost" lost
  [[ $(resultOf "$ended" '[.exit_code, .finished_at] | @tsv') == $'0\t'"$finished" ]]
  [[ $(<"$(directoryOf "$ended")/output.log") == $'first\nsecond' ]]
}

@test "what a task prints is read from any place, and followed until it has ended" {
  serveTasks
  postEcho $'echo one\necho two\nsleep 1\necho three'
  curl -sSN --max-time 20 -D "$BATS_TEST_TMPDIR/head" "$base/v1/tasks/$id/output?follow=1" >"$BATS_TEST_TMPDIR/followed"
  [[ $(<"$BATS_TEST_TMPDIR/followed") == $'one\ntwo\nthree' ]]
  tr -d '\r' <"$BATS_TEST_TMPDIR/head" | grep -qi '^transfer-encoding: chunked$'
  # It ended with the task.
  hasTaskState "$id" exited
  call GET "/v1/tasks/$id/output?offset=4"
  answers 200 $'two\nthree\n'
  call GET "/v1/tasks/$id/output?tail=1"
  answers 200 $'three\n'
  call GET "/v1/tasks/$id/output?offset=100"
  answers 200 ""
  call GET "/v1/tasks/$id/output?offset=x"
  isDetail 422 offset
  call GET "/v1/tasks/$id/output?place=1"
  isDetail 422 place
  post '{"machine":"command","parameters":{"argv":["sh","-c","echo out; echo err >&2"],"separateStderr":true}}'
  eventually hasTaskState "$id" exited
  call GET "/v1/tasks/$id/output?stderr=1"
  answers 200 $'err\n'
  [[ $(curl -sS --max-time 20 -H 'Accept: text/plain' "$base/v1/tasks/$id/output") == out ]]
}

@test "a line is with who follows as soon as it is printed, and a gigabyte takes no memory" {
  serveTasks
  post "$(jq -cn --args '{machine: "command", parameters: {argv: $ARGS.positional}}' -- sh -c 'echo up; '"$untilGo" "$BATS_TEST_TMPDIR/there")"
  curl -sSN --max-time 20 "$base/v1/tasks/$id/output?follow=1" >"$BATS_TEST_TMPDIR/followed" 3>&- &
  reader=$!
  eventually grep -q up "$BATS_TEST_TMPDIR/followed"
  touch "$BATS_TEST_TMPDIR/there.go"
  wait "$reader"
  eventually hasTaskState "$id" exited
  highest() { awk '/^VmHWM/ { print $2 }' "/proc/$daemon/status"; }
  before=$(highest)
  truncate -s 1G "$(directoryOf "$id")/output.log"
  [[ $(curl -sS --max-time 60 "$base/v1/tasks/$id/output" | wc -c) == $((1 << 30)) ]]
  isBetween 0 $(($(highest) - before)) 32768
}

@test "who follows and goes away, or is there at the server's end, holds nothing up" {
  serveTasks
  post "$(jq -cn --args '{machine: "command", parameters: {argv: $ARGS.positional}}' -- "${endless[@]}")"
  for _ in 1 2 3; do curl -sSN --max-time 1 "$base/v1/tasks/$id/output?follow=1" || [[ $? == 28 ]]; done
  eventually noneIsConnected
  curl -sSN --max-time 30 "$base/v1/tasks/$id/output?follow=1" 3>&- &
  reader=$!
  eventually oneIsConnected
  kill -TERM "$daemon"
  eventually hasEnded "$daemon"
  # The answer was cut off, and says so.
  code=0
  wait "$reader" || code=$?
  [[ $code == 18 ]]
}
# connections: the server's, as the kernel lists them: the port in hex, state 01.
connections() { awk -v port="$(printf ':%04X' "${base##*:}")" '$2 ~ port "$" && $4 == "01"' /proc/net/tcp | wc -l; }
noneIsConnected() { [[ $(connections) == 0 ]]; }
oneIsConnected() { [[ $(connections) == 1 ]]; }

@test "tasks are kept where the principal puts them, for everybody who uses the store" {
  place=$BATS_TEST_TMPDIR/elsewhere
  startPrincipal --tasks "$place"
  id=$(callsheet add -- echo here)
  endsWith 0 callsheet wait "$id" --timeout 20
  [[ $(<"$place/$id/output.log") == here ]]
  [[ $(stat -c %a "$place") == 700 ]]
  [[ $(callsheet log --output "$id") == here ]]
  kill -TERM "$daemon"
  eventually hasEnded "$daemon"
  # From now on, also for who does not say so.
  startPrincipal
  id=$(callsheet add -- echo there)
  endsWith 0 callsheet wait "$id" --timeout 20
  [[ $(<"$place/$id/output.log") == there ]]
  callsheet clean "$id"
  eventually test ! -e "$place/$id"
  kill -TERM "$daemon"
  eventually hasEnded "$daemon"
  # What is there is never lost from sight, and a directory serves one store.
  endsWith 75 callsheet principal --tasks "$place.other"
  saysOneSentence "holds what commands left"
  endsWith 75 callsheet principal --id other --tasks "$place"
  saysOneSentence "holds the tasks of the store"
  mkdir "$BATS_TEST_TMPDIR/open"
  chmod 755 "$BATS_TEST_TMPDIR/open"
  endsWith 77 callsheet principal --id other --tasks "$BATS_TEST_TMPDIR/open"
  saysOneSentence "chmod 700"
  touch "$BATS_TEST_TMPDIR/file"
  endsWith 4 callsheet principal --id other --tasks "$BATS_TEST_TMPDIR/file"
  saysOneSentence "is no directory"
}
