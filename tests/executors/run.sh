#!/usr/bin/env bash
# The example executors work off one queue together, over both sockets and straight on the store. Each of them is killed
# while it holds a task, and so is the principal; at the end every task has succeeded exactly once, and TERM ends them in
# good order.
set -euo pipefail
[[ $# -eq 1 && -x $1/cli/callsheet ]] || { echo "usage: tests/executors/run.sh BUILD_DIR" >&2; exit 2; }
PATH=$(cd "$1/cli" && pwd):$PATH
exampleExecutor=$(cd "$1/docs/examples" && pwd)/example_executor
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
for program in python3 node curl jq; do
  command -v "$program" >/dev/null || { echo "SKIPPED: $program is not installed"; exit 77; }
done
work=$(mktemp -d)
export CALLSHEET_LOCATION=$work CALLSHEET_ID=executors CALLSHEET_HEARTBEAT=0.5
socket=$work/executors.callsheet/api.sock
declare -A pids=()
principal=""

cleanUp() {
  local pid
  for pid in "${pids[@]}" $principal; do kill -9 "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap cleanUp EXIT

fail() {
  echo "FAILED: $*"
  for log in "$work"/*.err "$work"/principal.log; do [[ ! -s $log ]] || { echo "--- $log"; tail -n 20 "$log"; }; done
  exit 1
}

# failTask ID SENTENCE: with what happened to the task.
failTask() {
  callsheet log "$1"
  fail "$2: $1"
}

# eventually SECONDS COMMAND...: until it succeeds.
eventually() {
  local until=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < until)) || fail "not in time: $*"
    read -rt 0.02 <> <(:) || true
  done
}

api() { curl -sS --max-time 30 --unix-socket "$socket" "http://localhost$1" "${@:2}"; }

# start NAME socket|tcp COMMAND...
start() {
  local name=$1 way=$2
  shift 2
  if [[ $way == socket ]]; then
    CALLSHEET_SOCKET=$socket "$@" >>"$work/$name.out" 2>>"$work/$name.err" &
  else
    CALLSHEET_URL=$url CALLSHEET_TOKEN=$token "$@" >>"$work/$name.out" 2>>"$work/$name.err" &
  fi
  pids[$name]=$!
}
startPython() { start python "$1" python3 docs/examples/executors/executor.py; }
startNode() { start node "$1" node docs/examples/executors/executor.js; }
startShell() { start shell "$1" bash docs/examples/executors/executor.sh; }
# Straight on the store; it says of itself what the others say over the API.
startCpp() { start cpp socket "$exampleExecutor" "$work" executors; }
executors=(python node shell cpp)

# What the executor holds: the id and execId of a task in progress whose last sign came from that very process.
heldBy() {
  api '/v1/jobs?kind=resize&state=in-progress&limit=1000' | jq -r --arg who "$1 ${pids[$1]}" \
    '[.jobs[] | select(.progressText == $who)] | first | .id // empty'
}
isHolding() {
  held=$(heldBy "$1")
  [[ -z $held ]] || return 0
  isAllDone && addTasks 10  # the others were too fast
  return 1
}
hasDone() { [[ $1 == cpp ]] || grep -q '^awf.task/success' "$work/$1.out"; }

# addTasks COUNT: every twentieth takes longer than a task may be silent; heartbeats keep it.
taskCount=0
addTasks() {
  local tasks
  tasks=$(jq -nc --argjson count "$1" '{method: "awf.task/create-and-execute", params: [range($count) |
    {definition: "resize", params: {width: (. + 1), ms: (if . % 20 == 10 then 2600 else 250 end)}}]}')
  api /rpc -d "$tasks" | jq -e --argjson count "$1" '.result.resources | length == $count' >/dev/null || fail "no tasks"
  ((taskCount += $1))
}
isAllDone() {
  api '/v1/jobs?kind=resize&state=done&limit=1000' | jq -e --argjson count "$taskCount" '.jobs | length == $count' >/dev/null
}

# killHolding NAME: stopped first, so that it is killed with the task in its hands and not a moment later.
isStoppedHolding() {
  isHolding "$1" || return 1
  kill -STOP "${pids[$1]}"
  # Twice, for what it had sent before may be under way.
  if [[ $(heldBy "$1") == "$held" && $(heldBy "$1") == "$held" ]]; then return 0; fi
  kill -CONT "${pids[$1]}"
  return 1
}
killHolding() {
  eventually 60 hasDone "$1"
  eventually 60 isStoppedHolding "$1"
  kill -9 "${pids[$1]}"
  wait "${pids[$1]}" 2>/dev/null || true
  unset "pids[$1]"
  lost+=("$held")
  echo "$1: killed with task $held in its hands"
}

movesOf() { api "/v1/jobs/$1/log?limit=1000" | jq -r '.entries[].move'; }
hasEnded() { movesOf "$1" | grep -qxE 'succeed|holder-ended'; }
# killCpp: its lock tells of its death, so the task in its hands waits for no time-out and counts no failure. What it had
# handed to others for a common commit counts, though: a task that succeeded that way was not in its hands any more.
killCpp() {
  killHolding cpp
  unset 'lost[-1]'
  byDeath=$held
  eventually 20 hasEnded "$byDeath"
  startCpp
  if movesOf "$byDeath" | grep -qx holder-ended; then return; fi
  echo "cpp: task $byDeath had succeeded"
  killCpp
}

isServing() { grep -q ' serving ' "$work/principal.log"; }
# startPrincipal PORT
startPrincipal() {
  callsheet principal --listen "127.0.0.1:$1" >"$work/principal.log" 2>&1 &
  principal=$!
  eventually 30 isServing
}
startPrincipal 0
url=$(sed -n 's/.* serving .* and \(http:.*\)/\1/p' "$work/principal.log")
token=$(<"$work/executors.callsheet/api.token")

api /v1/definitions -d '{"kind": "resize", "runner": "remote", "requestedToStartTimeout": 1000, "inProgressTimeout": 2000,
  "retryDelay": 100, "allowedRetryCount": 5}' | jq -e '.version == 1' >/dev/null
addTasks 60

startPython socket
startNode tcp
startShell socket
startCpp
lost=()
killHolding python
startPython tcp
killHolding node
startNode socket
killHolding shell
startShell tcp
killCpp

addTasks 10
eventually 60 isHolding node
kill -9 "$principal"
wait "$principal" 2>/dev/null || true
startPrincipal "${url##*:}"
echo "the principal was killed while node held a task"

eventually 120 isAllDone

mapfile -t urls < <(api '/v1/jobs?kind=resize&limit=1000' | jq -r '"http://localhost/v1/jobs/\(.jobs[].id)"')
((${#urls[@]} == taskCount)) || fail "there are not $taskCount tasks"
curl -sS --unix-socket "$socket" "${urls[@]}" >"$work/jobs"
curl -sS --unix-socket "$socket" "${urls[@]/%//log?limit=1000}" >"$work/logs"
jq -se 'all([.entries[] | select(.move == "succeed")] | length == 1)' "$work/logs" >/dev/null ||
  fail "not every task succeeded once: $(jq -c 'select([.entries[] | select(.move == "succeed")] | length != 1)' "$work/logs")"
jq -se 'all(.state == "done" and .outcome == "succeeded" and
            .result.pixels == .parameters.width * .parameters.width)' "$work/jobs" >/dev/null ||
  fail "not every task succeeded: $(jq -c 'select(.outcome != "succeeded")' "$work/jobs")"
for id in "${lost[@]}"; do
  jq -se --arg id "$id" 'any(.id == $id and .started >= 2 and .failures >= 1)' "$work/jobs" >/dev/null ||
    failTask "$id" "a task was lost and not tried again"
done
jq -se --arg id "$byDeath" 'any(.id == $id and .started >= 2)' "$work/jobs" >/dev/null ||
  failTask "$byDeath" "a task was lost with its executor's process"
moves=$(movesOf "$byDeath" | tr '\n' ' ')
[[ $moves == *"claim holder-ended"* ]] ||
  failTask "$byDeath" "a death was not told by its lock"
jq -se 'any(.parameters.ms > 2000 and .failures == 0)' "$work/jobs" >/dev/null || fail "heartbeats keep no task"
for name in "${executors[@]}"; do
  by=$(jq -s --arg name "$name" 'map(select(.result.by == $name)) | length' "$work/jobs")
  echo "$name: $by tasks"
  ((by > 0)) || fail "$name did nothing"
done
twice=$(sort "$work"/*.out | uniq -d)
[[ -z $twice ]] || fail "said to be accepted twice: $twice"

# TERM, to each with a task in hand: it is finished, no other one taken, and then they end.
addTasks 20
finishing=()
for name in "${executors[@]}"; do
  eventually 60 isHolding "$name"
  kill -TERM "${pids[$name]}"
  finishing+=("$held")
done
for name in "${executors[@]}"; do
  code=0
  timeout 60 tail --pid="${pids[$name]}" -s 0.05 -f /dev/null || fail "$name does not end on TERM"
  wait "${pids[$name]}" || code=$?
  unset "pids[$name]"
  ((code == 0)) || fail "$name ended with $code on TERM"
done
for id in "${finishing[@]}"; do
  api "/v1/jobs/$id" | jq -e '.outcome == "succeeded" and .failures == 0' >/dev/null || failTask "$id" "TERM lost a task"
done
left=$(api '/v1/jobs?kind=resize&state=in-progress' | jq '.jobs | length')
((left == 0)) || fail "TERM left $left tasks in progress"

kill -TERM "$principal"
wait "$principal" || fail "the principal ended with $?"
principal=""
callsheet check
