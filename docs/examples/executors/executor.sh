#!/usr/bin/env bash
# An executor of the kind `resize`: takes tasks, shows that it is alive, says how they ended. Needs curl and jq.
# CALLSHEET_SOCKET names a store's api.sock; else CALLSHEET_URL (http://127.0.0.1:8080) and CALLSHEET_TOKEN say where to.
# TERM: the task in hand is finished, no other one taken. Any death loses nothing: what was in hand comes back.
set -euo pipefail
kind=resize batch=2 name="shell $$"
heartbeat=${CALLSHEET_HEARTBEAT:-30} # seconds; well below the definition's inProgressTimeout
stopping="" poll=""
answers=$(mktemp)
trap 'rm -f "$answers"' EXIT
trap 'stopping=1; [[ -z $poll ]] || kill "$poll" 2>/dev/null || true' TERM

# request SECONDS METHOD PARAMS: the answer, and its status on a line of its own. The token is kept off the command line.
request() {
  local where=("${CALLSHEET_URL-}/rpc")
  [[ -z ${CALLSHEET_SOCKET-} ]] || where=(--unix-socket "$CALLSHEET_SOCKET" http://localhost/rpc)
  exec curl -s -m "$1" -w '\n%{http_code}' -H 'Content-Type: application/json' --config - \
    -d "{\"method\":\"$2\",\"params\":$3}" "${where[@]}" <<<"header = \"Authorization: Bearer ${CALLSHEET_TOKEN-}\""
}

# call METHOD PARAMS: whether it was done; `reply` is the result or the error. What gets no answer is sent again, for it
# may not have arrived; after TERM only once.
call() {
  local answer status pause=1
  while :; do
    answer=$(request 10 "$@") || answer=$'\n0'
    status=${answer##*$'\n'} reply=${answer%$'\n'*}
    ((status < 200 || status >= 500)) || break
    [[ -z $stopping ]] || return 1
    sleep "$pause" || true
    ((pause = pause < 5 ? pause * 2 : 5))
  done
  ((status == 200))
}

beat() { # ATTEMPT: until its input ends, which it does when this script does, in whatever way
  local status=129 message
  message=$(jq -c --arg name "$name" '. + {notification: "heartbeat", message: $name}' <<<"$1")
  while ((status > 128)); do
    (request 10 awf.task/notify "$message") >/dev/null || true
    status=0
    read -rt "$heartbeat" || status=$?
  done
}

resize() { # PARAMS: the work
  sleep "$(jq -r '(.ms // 100) / 1000' <<<"$1")"
  jq -c '{pixels: (.width * .width), by: "shell"}' <<<"$1"
}

execute() { # TASK
  local attempt result
  attempt=$(jq -c '{id, execId}' <<<"$1")
  # has-been-started: the answer to our own first try was lost.
  call awf.task/start "$attempt" || [[ $reply == *'"awf.task/has-been-started"'* ]] || return 0
  exec {alive}> >(beat "$attempt")
  if result=$(resize "$(jq -c .params <<<"$1")" {alive}>&-); then
    set -- awf.task/success "$(jq -c --argjson result "$result" '. + {result: $result}' <<<"$attempt")"
  else
    set -- awf.task/fail "$(jq -c '. + {error: {message: "resize failed"}}' <<<"$attempt")"
  fi
  exec {alive}>&-
  if call "$@"; then jq -r --arg method "$1" '"\($method) \(.id)"' <<<"$attempt"; else echo "dropped: $reply" >&2; fi
}

while [[ -z $stopping ]]; do
  (request 70 awf.task/long-poll "{\"taskDefinitions\":[\"$kind\"],\"maxBatchSize\":$batch,\"timeout\":60000}") >"$answers" &
  poll=$!
  wait "$poll" || true # ended by TERM at once, for the poll is
  poll=""
  mapfile -t tasks < <(head -n 1 "$answers" | jq -c '.result.resources[]?' 2>/dev/null)
  case $(tail -n 1 "$answers") in
    200) ;;
    4??) cat "$answers" >&2; exit 1 ;;
    *) [[ $stopping ]] || sleep 1 || true ;;
  esac
  for task in ${tasks[@]+"${tasks[@]}"}; do
    [[ $stopping ]] || execute "$task"
  done
done
