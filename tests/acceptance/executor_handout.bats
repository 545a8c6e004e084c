# Who gets a task and when: long-polls, clients that hang up, limits, many at once, and a principal that is killed.
load helper
load api_helper

setup() {
  callsheetSetup
  serve
  define
}

# client BODY: a curl of its own with that request, in the background: its pid is $client, its answer will be in $answer.
client() {
  local to=(--unix-socket "$socket" http://localhost/rpc)
  if [[ ${over-} == tcp ]]; then to=(-H "Authorization: Bearer $(<"$token")" "$url/rpc"); fi
  answer=$(mktemp "$BATS_TEST_TMPDIR/answer.XXXXXX")
  curl -sS --max-time 90 --data-binary "$1" "${to[@]}" >"$answer" 3>&- &
  client=$!
  daemons+=("$client")
}

# hangUp: ends that client without its answer.
hangUp() {
  kill -KILL "$client"
  wait "$client" || true
}

longPollBody() { request awf.task/long-poll "{\"taskDefinitions\": [\"${2-$kind}\"], \"timeout\": $1}"; }

# tookMilliseconds BODY: how long the call takes, as curl measures it.
tookMilliseconds() {
  http POST /rpc --data-binary "$1" -o /dev/null -w '%{time_total}' | awk '{ printf "%d\n", $1 * 1000 }'
}

# actions ID: what happened to the task, in one line.
actions() { log "$1" 'map(.action) | join(" ")'; }

@test "A7: a long-poll of an empty queue answers with nothing when its time is over" {
  [[ $(rpc awf.task/long-poll "{\"taskDefinitions\": [\"$kind\"], \"timeout\": 1}") == '{"result":{"resources":[]}}' ]]
  # Never early; late it may be on a busy machine, but not each time.
  for _ in 1 2 3 4 5; do
    took=$(tookMilliseconds "$(longPollBody 2000)")
    ((took >= 2000))
    ((took > 2300)) || break
  done
  say "a long-poll of 2000 ms took $took ms"
  ((took <= 2300))
  refused 422 rpc/invalid-params timeout awf.task/long-poll "{\"taskDefinitions\": [\"$kind\"], \"timeout\": -1}"
  refused 422 rpc/invalid-params timeout awf.task/long-poll "{\"taskDefinitions\": [\"$kind\"], \"timeout\": \"1s\"}"
}

@test "A7: a long-poll is answered as soon as there is a task, and waits longer than 2 seconds if it does not say how long" {
  for over in unix tcp; do
    client "$(request awf.task/long-poll "{\"taskDefinitions\": [\"$kind\"]}")"
    letPass "$([[ $over == unix ]] && echo 2500 || echo 500)"
    isRunning "$client"
    id=$(create)
    wait "$client"
    late=$(elapsed "$(millisOf "$(task "$id" .meta.createdAt)")")
    holds --arg id "$id" '.result.resources | length == 1 and (.[0] | .id == $id and .status == "requested")' <"$answer"
    taken=$(($(millisOf "$(jq -r '.result.resources[0].meta.lastUpdated' "$answer")") - $(millisOf "$(task "$id" .meta.createdAt)")))
    say "over $over a waiting poll took a new task after $taken ms, of which its shell knew after $late ms"
    ((taken < 1000))
  done
}

@test "A7: of two long-polls exactly one gets the only task, and of three two get two" {
  client "$(longPollBody 3000)"
  one=$answer first=$client
  client "$(longPollBody 3000)"
  letPass 300
  id=$(create)
  wait "$first" "$client"
  cat "$one" "$answer" | holds -s --arg id "$id" 'map(.result.resources) | (map(length) | sort) == [0, 1] and (add | .[0].id == $id)'
  [[ $(actions "$id") == "submit request" ]]
  # Nobody has to poll twice for the second.
  answers=() clients=()
  for _ in 1 2 3; do
    client "$(longPollBody 3000)"
    answers+=("$answer") clients+=("$client")
  done
  letPass 300
  result awf.task/create-and-execute "[{\"definition\": \"$kind\"}, {\"definition\": \"$kind\"}]" .
  wait "${clients[@]}"
  cat "${answers[@]}" | holds -s 'map(.result.resources) | (map(length) | sort) == [0, 1, 1] and (add | map(.id) | unique | length == 2)'
}

@test "a task that becomes due, or ready again, goes to whoever waits" {
  client "$(longPollBody 20000)"
  at=$(date -u -d "@$(($(now) / 1000 + 2))" +%Y-%m-%dT%H:%M:%SZ)
  id=$(create '{}' "\"executeAt\": \"$at\"")
  wait "$client"
  [[ $(jq -r '.result.resources[0].id' "$answer") == "$id" ]]
  isBetween "$(millisOf "$at")" "$(millisOf "$(jq -r '.result.resources[0].meta.lastUpdated' "$answer")")" $(($(millisOf "$at") + 1000))
}

@test "a task that another process adds goes to whoever waits" {
  client "$(longPollBody 20000)"
  letPass 300
  id=$(callsheet add --kind "$kind" --params '{"from": "another"}')
  added=$(now)
  wait "$client"
  holds --arg id "$id" '.result.resources | length == 1 and .[0].id == $id and .[0].params.from == "another"' <"$answer"
  ((added + 1000 > $(millisOf "$(jq -r '.result.resources[0].meta.lastUpdated' "$answer")")))
}

@test "a client that hangs up while it waits costs nothing" {
  for over in unix tcp; do
    client "$(longPollBody 60000)"
    letPass 300
    hangUp
    id=$(create)
    poll | holds --arg id "$id" 'length == 1 and .[0].id == $id'
    [[ $(actions "$id") == "submit request" ]]
  done
}

@test "of two who wait and one who hung up, the one who still waits gets the task" {
  for over in unix tcp; do
    client "$(longPollBody 60000)"
    gone=$client
    letPass 200
    client "$(longPollBody 20000)"
    letPass 200
    kill -KILL "$gone"
    wait "$gone" || true
    id=$(create)
    wait "$client"
    [[ $(jq -r '.result.resources[0].id' "$answer") == "$id" ]]
    [[ $(actions "$id") == "submit request" ]]
  done
}

@test "a task whose answer cannot be delivered is ready again at once" {
  for over in unix tcp; do
    id=$(create)
    # The batch's first call takes the task, its second one keeps the answer back.
    client "[$(request awf.task/poll "{\"taskDefinitions\": [\"$kind\"]}"), $(longPollBody 1500 nobody/else)]"
    eventually hasStatus "$id" requested
    first=$(task "$id" .execId)
    hangUp
    # Its start time-out is a minute away.
    tasks=$(longPoll 20000)
    holds --arg id "$id" --arg first "$first" 'length == 1 and .[0].id == $id and .[0].execId != $first' <<<"$tasks"
    [[ $(actions "$id") == "submit request unclaim request" ]]
    refused 422 awf.task/exec-id-not-valid "$id" awf.task/start "{\"id\": \"$id\", \"execId\": \"$first\"}"
  done
}

@test "nothing is taken for whoever polls and is gone before that" {
  id=$(create)
  text=$(request awf.task/poll "{\"taskDefinitions\": [\"$kind\"]}")
  # It can only find the request and its sender's end together.
  kill -STOP "$daemon"
  eventually isStopped "$daemon"
  exec 5<>"/dev/tcp/127.0.0.1/${url##*:}"
  printf 'POST /rpc HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s' "$(<"$token")" ${#text} "$text" >&5
  exec 5>&-
  kill -CONT "$daemon"
  letPass 500
  poll | holds --arg id "$id" 'length == 1 and .[0].id == $id'
  [[ $(actions "$id") == "submit request" ]]
}

@test "a task whose answer is lost comes back at its start time-out" {
  define '"requestedToStartTimeout": 1000'
  id=$(create)
  rpc awf.task/poll "{\"taskDefinitions\": [\"$kind\"]}" >/dev/null
  longPoll 20000 | holds --arg id "$id" 'length == 1 and .[0].id == $id'
  mapfile -t at < <(log "$id" '.[1:3] | map(.time)[]')
  isBetween 1000 $(($(millisOf "${at[1]}") - $(millisOf "${at[0]}"))) 4000
}

@test "notifications keep an attempt alive for longer than its time-out" {
  define '"requestedToStartTimeout": 60000, "inProgressTimeout": 3000'
  create
  take
  start
  for _ in 1 2 3 4; do
    letPass 1000
    result awf.task/notify "{$attempt, \"notification\": \"heartbeat\"}" .inProgressTimeoutAt
  done
  succeed | holds '.outcome == "succeeded" and .retryCount == 1'
}

@test "a slot of a concurrency limit that becomes free feeds whoever waits for it" {
  define "$times, \"concurrencyLimit\": 1"
  create '{"n": 1}'
  create '{"n": 2}'
  take
  client "$(longPollBody 20000)"
  letPass 300
  isRunning "$client"
  start
  succeed
  wait "$client"
  holds '.result.resources | map(.params.n) == [2]' <"$answer"
}

@test "a rate limit holds back what is too much, and hands it out when its time has come" {
  define "$times, \"rateLimit\": {\"count\": 2, \"per\": 3600000}" hourly/kind
  for n in 1 2 3; do create "{\"n\": $n}" '' hourly/kind; done
  poll 10 hourly/kind | holds 'map(.params.n) == [1, 2]'
  [[ $(poll 10 hourly/kind) == "[]" ]]
  define "$times, \"rateLimit\": {\"count\": 1, \"per\": 500, \"burst\": 1}"
  for n in 1 2 3; do create "{\"n\": $n}"; done
  for n in 1 2 3; do longPoll 20000 | jq -r '.[0].meta.lastUpdated'; done >"$BATS_TEST_TMPDIR/at"
  mapfile -t at <"$BATS_TEST_TMPDIR/at"
  for n in 1 2; do isBetween 500 $(($(millisOf "${at[n]}") - $(millisOf "${at[n - 1]}"))) 5000; done
}

# worker NUMBER: takes, starts and ends tasks until there are none, and writes down their ids.
worker() {
  local tasks
  while tasks=$(poll) && [[ $tasks != "[]" ]]; do
    [[ $tasks =~ \"execId\":\"([^\"]*)\" ]] && exec=${BASH_REMATCH[1]}
    [[ $tasks =~ \"id\":\"([^\"]*)\" ]] && id=${BASH_REMATCH[1]}
    send "[$(request awf.task/start "{\"id\": \"$id\", \"execId\": \"$exec\"}"), $(request awf.task/success "{\"id\": \"$id\", \"execId\": \"$exec\"}")]"
    echo "$id" >>"$BATS_TEST_TMPDIR/worked.$1"
  done
}

@test "many who poll at once get each task exactly once" {
  result awf.task/create-and-execute "$(jq -n --arg kind "$kind" '[range(24) | {definition: $kind, params: {n: .}}]')" .
  workers=()
  for number in 1 2 3 4; do
    worker "$number" 3>&- &
    workers+=($!)
  done
  wait "${workers[@]}"
  result awf.task/list '{}' '.resources | map(.id) | sort[]' | diff - <(cat "$BATS_TEST_TMPDIR"/worked.* | sort)
  result awf.task/list '{}' '.resources | tojson' | holds 'length == 24 and all(.status == "done" and .outcome == "succeeded" and .retryCount == 1)'
}

@test "a principal that is killed leaves every task as it was, with its execId and its deadline" {
  deadline() { millisOf "$(http GET "/v1/jobs/$1" | jq -r .deadlineAt)"; }
  define '"requestedToStartTimeout": 60000, "inProgressTimeout": 50, "retryDelay": 3600000' brief/kind
  create '{}' '' brief/kind
  take brief/kind
  start
  eventually hasStatus "$id" waiting
  create
  take
  requested=$attempt requestedId=$id
  create
  take
  start
  running=$attempt runningId=$id
  create
  take
  start
  succeed '{"n": 1}'
  create '{}' '"executeAt": "2100-01-01"'
  ready=$(create)
  deadlines="$(deadline "$requestedId") $(deadline "$runningId")"
  # All but that the adoption of what the dead one handed out is a change of its own.
  tasks() { result awf.task/list '{}' '.resources | map(del(.meta.versionId, .meta.lastUpdated)) | tojson'; }
  before=$(tasks)
  holds 'map(.status) | sort == ["done", "in-progress", "ready", "requested", "waiting", "waiting"]' <<<"$before"
  killPrincipal
  serve
  [[ $(tasks) == "$before" ]]
  for name in requestedId runningId; do
    isBetween $((${deadlines%% *} - 20)) "$(deadline "${!name}")" $((${deadlines%% *} + 20))
    deadlines=${deadlines#* }
  done
  poll 10 | holds --arg id "$ready" 'map(.id) == [$id]'
  attempt=$requested
  start | holds '.retryCount == 1'
  refused 422 awf.task/has-been-started "" awf.task/start "{$attempt}"
  attempt=$running
  result awf.task/notify "{$attempt, \"notification\": \"heartbeat\"}" .inProgressTimeoutAt
  succeed '{"after": "the restart"}' | holds '.outcome == "succeeded" and .retryCount == 1'
}

@test "a deadline that passed while the principal was down has passed" {
  define '"requestedToStartTimeout": 60000, "inProgressTimeout": 2000, "retryDelay": 3600000'
  define '"requestedToStartTimeout": 2000' slow/kind
  create '{}' '' slow/kind
  take slow/kind
  unstarted=$attempt unstartedId=$id
  create
  take
  start
  deadline=$(millisOf "$(log "$id" '.[-1].scheduled.at')")
  killPrincipal
  ((deadline > $(now)))
  isPast() { (($(now) > $1)); }
  eventually isPast $((deadline + 100))
  serve
  refused 422 awf.task/exec-id-not-valid "$id" awf.task/success "{$attempt}"
  eventually hasStatus "$id" waiting
  [[ $(task "$id" .retryCount) == 1 ]]
  refused 422 awf.task/exec-id-not-valid "$unstartedId" awf.task/start "{$unstarted}"
  longPoll 20000 slow/kind | holds --arg id "$unstartedId" '.[0].id == $id'
}

@test "a long-poll is answered with nothing when the principal stops" {
  client "$(longPollBody 60000)"
  letPass 300
  kill -TERM "$daemon"
  wait "$client"
  holds '. == {"result": {"resources": []}}' <"$answer"
}
