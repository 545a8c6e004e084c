#!/usr/bin/env bash
# The shell sessions of README.md, docs/queues.md, schedules.md, scripts.md, events.md, transfers.md and api.md, the blocks marked `sh`, do what they say when they are copied.
set -euo pipefail
[[ $# -eq 1 && -x $1/cli/callsheet ]] || { echo "usage: tests/docs/sessions.sh BUILD_DIR" >&2; exit 2; }
PATH=$(cd "$1/cli" && pwd):$PATH
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
for program in curl jq; do
  command -v "$program" >/dev/null || { echo "SKIPPED: $program is not installed"; exit 77; }
done
work=$(mktemp -d)
export TMPDIR=$work
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT

# shellcheck disable=SC2016 # no command substitution, but what begins a block
blocksOf() { sed -n '/^```sh$/,/^```$/{/^```/d;p}' "$1"; }

# run FILE COMMANDS: its blocks as one session, then the commands; all must succeed, and no answer may be an error.
run() {
  { blocksOf "$1"; echo "$2"; } >"$work/session"
  [[ $(blocksOf "$1") ]] || { echo "$1 has no session"; exit 1; }
  timeout 120 bash -euo pipefail "$work/session" >"$work/output" 2>&1 || { cat "$work/output"; echo "$1: failed"; exit 1; }
  [[ $(<"$work/output") != *'"error"'* ]] || { cat "$work/output"; echo "$1: an answer is an error"; exit 1; }
}

run README.md 'kill %1; wait %1; callsheet check'
[[ $(grep -c '"status":"in-progress"' "$work/output") == 1 && $(<"$work/output") == *'"outcome":"succeeded"'*"clean: 1 job"* ]] ||
  { cat "$work/output"; echo "README.md: its task was not done"; exit 1; }
echo "README.md: the task is done"

export CALLSHEET_LOCATION=$work/queues
run docs/queues.md 'callsheet principal & callsheet wait "$clean"; callsheet wait "$alarm" || true
for id in "$fetch" "$count" "$alarm" "$clean"; do callsheet show --json "$id" | jq -r .outcome; done; kill %1; wait %1; callsheet check'
[[ $(grep -xE 'succeeded|canceled' "$work/output" | tr '\n' ' ') == "succeeded succeeded canceled succeeded " ]] ||
  { cat "$work/output"; echo "docs/queues.md: other outcomes than it says"; exit 1; }
[[ $(<"$work/output") == *QUEUE*PARALLEL*gpu*"clean: 5 jobs"* && ! -e data ]] ||
  { cat "$work/output"; echo "docs/queues.md: other answers than it says"; exit 1; }
echo "docs/queues.md: what was to run has run"

export CALLSHEET_LOCATION=$work/schedules
run docs/schedules.md 'callsheet schedule list --json | jq -r ".schedules[].name"; callsheet check'
[[ $(grep -cxE 'report|cache' "$work/output") == 2 && $(<"$work/output") == *"says, in "*"clean: 0 jobs"* ]] ||
  { cat "$work/output"; echo "docs/schedules.md: other answers than it says"; exit 1; }
echo "docs/schedules.md: two schedules are there"

if command -v node >/dev/null; then
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  (cd "$work" && export CALLSHEET_LOCATION=$work/scripts-store LISTEN=127.0.0.1:$port && mkdir "$CALLSHEET_LOCATION" &&
    run "$OLDPWD/docs/scripts.md" 'kill %1; wait %1; callsheet check')
  [[ $(grep -c 'hi ag1' "$work/output") == 2 ]] ||
    { cat "$work/output"; echo "docs/scripts.md: other answers than it says"; exit 1; }
  echo "docs/scripts.md: the script and the task have run"
fi

(cd "$work" && export CALLSHEET_LOCATION=$work/events-store && mkdir "$CALLSHEET_LOCATION" && run "$OLDPWD/docs/events.md" 'callsheet check')
[[ $(<"$work/output") == *"morning_notification "*T09:00:00.000Z*"clean: 1 job"* ]] ||
  { cat "$work/output"; echo "docs/events.md: other answers than it says"; exit 1; }
echo "docs/events.md: the event is valid"

(cd "$work" && export CALLSHEET_LOCATION=$work/transfers-store && mkdir "$CALLSHEET_LOCATION" served && echo a,b >served/report.csv
  : >server.out  # there before it is read below, whoever is faster
  python3 -u -m http.server --bind 127.0.0.1 --directory served 0 >server.out 2>&1 &
  trap 'kill $(jobs -p)' EXIT
  for ((i = 0; i < 200; i++)); do
    PORT=$(sed -n 's/^Serving HTTP on .* port \([0-9]*\) .*/\1/p' server.out)
    [[ -z $PORT ]] || break
    read -rt 0.1 <> <(:) || true
  done
  export PORT
  run "$OLDPWD/docs/transfers.md" 'callsheet principal & callsheet wait "$id"; cat copy.csv; kill %1; wait %1; callsheet check')
[[ $(<"$work/output") == *a,b*"clean: 1 job"* ]] ||
  { cat "$work/output"; echo "docs/transfers.md: other answers than it says"; exit 1; }
echo "docs/transfers.md: the file is there"

# docs/api.md begins with a principal that listens.
export CALLSHEET_LOCATION=$work/api
: >"$work/log"
callsheet principal --listen 127.0.0.1:0 2>"$work/log" &
for ((i = 0; i < 300; i++)); do
  CALLSHEET_URL=$(sed -n 's/.* serving .* and \(http:.*\)/\1/p' "$work/log")
  [[ -z $CALLSHEET_URL ]] || break
  read -rt 0.1 <> <(:) || true
done
export CALLSHEET_URL
run docs/api.md ''
[[ $(grep -c '"definitions":\[\]' "$work/output") == 2 && $(<"$work/output") == *"resources: []"* ]] ||
  { cat "$work/output"; echo "docs/api.md: other answers than it says"; exit 1; }
echo "docs/api.md: answers over both sockets"
