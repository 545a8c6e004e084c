# The executor API as curl sees it: the acceptance cases A1 to A23 of seed 002, and what is refused.
load helper
load api_helper

setup() {
  callsheetSetup
  serve
  define
}

# changed ID: the number of the task's last change.
changed() { task "$1" .meta.versionId; }

@test "A1: a task that is created is ready and comes back with all that was given" {
  resource=$(result awf.task/create-and-execute "{\"definition\": \"$kind\", \"params\": $organization}" '.resource | tojson')
  holds --arg kind "$kind" --argjson params "$organization" '.status == "ready" and .definition == $kind
    and .params == $params and .resourceType == "AidboxTask" and .meta.createdAt == .meta.lastUpdated
    and (.meta.versionId | type == "string") and (has("execId") | not) and (has("retryCount") | not)' <<<"$resource"
  [[ $(jq -r .id <<<"$resource") =~ $uuid ]]
}

@test "A2: poll takes a task once, with an execId of its own" {
  id=$(create)
  tasks=$(poll)
  holds --arg id "$id" --argjson params "$organization" 'length == 1 and (.[0] | .id == $id and .status == "requested"
    and .params == $params and (has("retryCount") | not))' <<<"$tasks"
  [[ $(jq -r '.[0].execId' <<<"$tasks") =~ $uuid ]]
  [[ $(rpc awf.task/poll "{\"taskDefinitions\": [\"$kind\"]}") == '{"result":{"resources":[]}}' ]]
}

@test "A3: start makes a requested task in-progress and counts it" {
  create
  take
  start | holds --arg exec "$exec" '.status == "in-progress" and .retryCount == 1 and .execId == $exec'
}

@test "A4: success ends a task with its result, and status shows the same" {
  create
  take
  start
  ended=$(succeed '{"imported-resources": 100}' | jq -cS .)
  holds '.status == "done" and .outcome == "succeeded" and .result == {"imported-resources": 100} and .retryCount == 1' <<<"$ended"
  [[ $(resource "$id" | jq -cS .) == "$ended" ]]
}

@test "A5: fail ends a task for good, with its error or without one" {
  for error in '{"my-message": "x"}' null; do
    create
    take
    start
    ended=$(result awf.task/fail "{$attempt, \"error\": $error}" .resource | jq -cS .)
    holds --argjson error "$error" '.status == "done" and .outcome == "failed" and .error == $error
      and .outcomeReason == {"type": "awf.task/failed-by-executor", "message": "Failed by executor"}' <<<"$ended"
    [[ $(resource "$id" | jq -cS .) == "$ended" ]]
    # Longer than the delay of a retry.
    [[ $(longPoll 300) == "[]" ]]
  done
}

@test "fail takes its error under the name result, as some executors send it" {
  create
  take
  start
  result awf.task/fail "{$attempt, \"result\": {\"why\": \"so\"}}" .resource | holds '.outcome == "failed" and .error == {"why": "so"}'
}

@test "A9: progress and heartbeat are logged and renew the deadline" {
  create
  take
  start
  first=$(millisOf "$(result awf.task/notify "{$attempt, \"notification\": \"heartbeat\", \"message\": \"alive\"}" .inProgressTimeoutAt)")
  isBetween $(($(now) + 50000)) "$first" $(($(now) + 60000))
  letPass 100
  at=$(result awf.task/notify "{$attempt, \"notification\": \"progress\", \"progress-current\": 5, \"progress-total\": 10, \"progress-unit\": \"rows\"}" .inProgressTimeoutAt)
  [[ $at =~ ^[0-9-]+T[0-9:]+\.[0-9]{6}Z$ ]]
  isBetween $((first + 100)) "$(millisOf "$at")" $((first + 10000))
  log "$id" 'map(select(.action == "notify") | ."action-params") | tojson' | holds '. == [
    {"notification": "heartbeat", "message": "alive"},
    {"notification": "progress", "progress-current": 5, "progress-total": 10, "progress-unit": "rows"}]'
  # What the last one set is what the log says.
  [[ $(log "$id" '.[-1]."re-scheduled".at') == "$at" ]]
}

@test "A9: both spellings of both notifications are taken, and the short one is stored" {
  create
  take
  start
  for notification in heartbeat awf.task/heartbeat progress awf.task/progress; do
    result awf.task/notify "{$attempt, \"notification\": \"$notification\", \"progress-current\": 1}" .inProgressTimeoutAt
  done
  [[ $(log "$id" 'map(select(.action == "notify") | ."action-params".notification) | join(" ")') == "heartbeat heartbeat progress progress" ]]
}

@test "A9: a notification that is wrong is refused, logs nothing and renews nothing" {
  create
  take
  start
  before=$(changed "$id")
  entries=$(log "$id" length)
  refused 422 rpc/invalid-params progress-current awf.task/notify "{$attempt, \"notification\": \"progress\"}"
  for current in '"5"' 5.5 true '[5]'; do
    refused 422 rpc/invalid-params progress-current awf.task/notify "{$attempt, \"notification\": \"progress\", \"progress-current\": $current}"
  done
  refused 422 rpc/invalid-params progress-total awf.task/notify "{$attempt, \"notification\": \"progress\", \"progress-current\": 1, \"progress-total\": \"x\"}"
  refused 422 rpc/invalid-params progress-unit awf.task/notify "{$attempt, \"notification\": \"progress\", \"progress-current\": 1, \"progress-unit\": 7}"
  refused 422 rpc/invalid-params message awf.task/notify "{$attempt, \"notification\": \"heartbeat\", \"message\": 7}"
  refused 422 rpc/invalid-params notification awf.task/notify "{$attempt, \"notification\": \"x\"}"
  refused 422 rpc/invalid-params notification awf.task/notify "{$attempt}"
  [[ $(log "$id" length) == "$entries" && $(changed "$id") == "$before" ]]
}

@test "A10: another execId is refused everywhere and changes nothing" {
  create
  take
  other="\"id\": \"$id\", \"execId\": \"292e9f34-c275-4cd3-840f-b4c39d0512e4\""
  before=$(changed "$id")
  refused 422 awf.task/exec-id-not-valid "$id" awf.task/start "{$other}"
  [[ $(changed "$id") == "$before" && $(task "$id" .status) == requested ]]
  start
  before=$(resource "$id")
  refused 422 awf.task/exec-id-not-valid "$id" awf.task/start "{$other}"
  refused 422 awf.task/exec-id-not-valid "$id" awf.task/notify "{$other, \"notification\": \"heartbeat\"}"
  refused 422 awf.task/exec-id-not-valid "$id" awf.task/success "{$other}"
  refused 422 awf.task/exec-id-not-valid "$id" awf.task/fail "{$other}"
  [[ $(resource "$id") == "$before" ]]
  succeed
}

@test "A12: a task that is never started is ready again with another execId, and that is not counted" {
  define '"requestedToStartTimeout": 500'
  create
  take
  # For the next hand-out.
  define
  old=$attempt
  oldExec=$exec
  tasks=$(longPoll 20000)
  mapfile -t at < <(log "$id" '.[1:3] | map(.time)[]')
  isBetween 500 $(($(millisOf "${at[1]}") - $(millisOf "${at[0]}"))) 3000
  [[ $(jq -r '.[0].id' <<<"$tasks") == "$id" ]]
  exec=$(jq -r '.[0].execId' <<<"$tasks")
  [[ $exec =~ $uuid && $exec != "$oldExec" ]]
  refused 422 awf.task/exec-id-not-valid "$id" awf.task/start "{$old}"
  attempt="\"id\": \"$id\", \"execId\": \"$exec\""
  start | holds '.retryCount == 1'
}

@test "A13: silence lets an attempt time out, the next one comes after the delay, and the last one fails the task" {
  define '"requestedToStartTimeout": 60000, "inProgressTimeout": 1000, "retryDelay": 200'
  create
  take
  began=$(now)
  start
  left() { [[ $(task "$id" .status) != in-progress ]]; }
  eventually left
  isBetween 1000 "$(elapsed "$began")" 4000
  # How long it waits, by the log: its state may have moved on by now.
  log "$id" 'map(select(."status-after" == "waiting")) | tojson' |
    holds 'length == 1 and .[0]."status-before" == "in-progress" and .[0].scheduled.delay == 200'
  refused 422 awf.task/exec-id-not-valid "$id" awf.task/success "{$attempt}"
  eventually hasStatus "$id" ready
  take
  start | holds '.retryCount == 2'
  eventually hasStatus "$id" 'done'
  resource "$id" | holds '.outcome == "failed" and .retryCount == 2
    and .outcomeReason.type == "awf.task/failed-due-to-in-progress-timeout" and (.outcomeReason.message | length > 0)'
}

@test "a waiting task shows when it is due" {
  due=$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%S)
  id=$(create "$organization" "\"executeAt\": \"$due\"")
  resource "$id" | holds --arg due "$due.000000Z" '.status == "waiting" and .executeAt == $due'
  [[ $(poll) == "[]" ]]
  # One without a zone is UTC, like one that says so.
  id=$(create "$organization" "\"executeAt\": \"${due}Z\"")
  [[ $(task "$id" .executeAt) == "$due.000000Z" ]]
}

@test "A15: what is not started cannot be notified about, succeed or fail" {
  id=$(create)
  take
  before=$(changed "$id")
  refused 422 awf.task/not-started "$id" awf.task/success "{$attempt}"
  refused 422 awf.task/not-started "$id" awf.task/fail "{$attempt}"
  refused 422 awf.task/not-started "$id" awf.task/notify "{$attempt, \"notification\": \"heartbeat\"}"
  [[ $(changed "$id") == "$before" ]]
}

@test "A15: what is done stays as it is" {
  create
  take
  start
  refused 422 awf.task/has-been-started "already been started" awf.task/start "{$attempt}"
  succeed '{"first": true}'
  before=$(resource "$id")
  refused 422 awf.task/has-been-done "has already been done" awf.task/start "{$attempt}"
  refused 422 awf.task/has-been-done "has already been done" awf.task/notify "{$attempt, \"notification\": \"heartbeat\"}"
  refused 422 awf.task/has-been-done "has already been done" awf.task/success "{$attempt, \"result\": {}}"
  refused 422 awf.task/has-been-done "has already been done" awf.task/fail "{$attempt}"
  refused 422 awf.task/has-been-done "has already been done" awf.task/cancel "{\"id\": \"$id\"}"
  [[ $(resource "$id") == "$before" ]]
}

@test "A15: a task is canceled from every state, and its execId stands for nothing then" {
  canceled() { result awf.task/cancel "{\"id\": \"$1\"}" .resource | holds '.status == "done" and .outcome == "canceled"'; }
  canceled "$(create)"
  canceled "$(create "$organization" '"executeAt": "2100-01-01"')"
  create
  take
  canceled "$id"
  refused 422 "awf.task/(has-been-done|exec-id-not-valid)" "$id" awf.task/start "{$attempt}"
  create
  take
  start
  canceled "$id"
  refused 422 "awf.task/(has-been-done|exec-id-not-valid)" "$id" awf.task/success "{$attempt}"
  [[ $(task "$id" .outcome) == canceled ]]
  # Waiting for its second attempt.
  define '"requestedToStartTimeout": 60000, "inProgressTimeout": 50, "retryDelay": 3600000'
  create
  take
  start
  eventually hasStatus "$id" waiting
  canceled "$id"
  refused 422 "awf.task/(has-been-done|exec-id-not-valid)" "$id" awf.task/success "{$attempt}"
}

@test "A16: maxBatchSize tasks come at once, the oldest first" {
  for n in 1 2 3 4 5; do create "{\"n\": $n}"; done
  tasks=$(poll 3)
  holds 'map(.params.n) == [1, 2, 3] and (map(.id) | unique | length == 3) and (map(.execId) | unique | length == 3)' <<<"$tasks"
  poll 3 | holds 'map(.params.n) == [4, 5]'
  for max in 0 -1 '"a"' 1.5 true; do
    refused 422 rpc/invalid-params maxBatchSize awf.task/poll "{\"taskDefinitions\": [\"$kind\"], \"maxBatchSize\": $max}"
    refused 422 rpc/invalid-params maxBatchSize awf.task/long-poll "{\"taskDefinitions\": [\"$kind\"], \"maxBatchSize\": $max}"
  done
}

@test "A18: only what is listed is handed out" {
  define "$times" other/kind
  create
  other=$(create '{}' '' other/kind)
  [[ $(poll 10 other/kind | jq -r '.[].id') == "$other" ]]
  [[ $(poll 10 unknown/kind) == "[]" ]]
  [[ $(inside resources awf.task/poll '{"taskDefinitions": []}') == "[]" ]]
  [[ $(inside resources awf.task/poll '{"workflowDefinitions": ["no/workflow"]}') == "[]" ]]
  refused 422 awf.task/unknown-definition unknown/kind awf.task/create-and-execute '{"definition": "unknown/kind", "params": {}}'
  for method in poll long-poll; do
    refused 422 rpc/invalid-params taskDefinitions "awf.task/$method" '{}'
    refused 422 rpc/invalid-params taskDefinitions "awf.task/$method" '{"taskDefinitions": "x"}'
    refused 422 rpc/invalid-params taskDefinitions "awf.task/$method" '{"taskDefinitions": [7]}'
  done
  # All of that took nothing.
  poll 10 | holds 'length == 1'
}

@test "A21: a concurrency limit holds until one is done" {
  define "$times, \"concurrencyLimit\": 2"
  for n in 1 2 3; do create "{\"n\": $n}"; done
  take
  [[ $(poll 5 | jq length) == 1 ]]
  [[ $(poll) == "[]" ]]
  start
  [[ $(poll) == "[]" ]]
  succeed
  poll | holds 'map(.params.n) == [3]'
}

@test "A21: with a concurrency path the limit holds for each value" {
  define "$times, "'"concurrencyLimit": 1, "concurrencyPath": "params.input.resourceType"'
  for resource in Patient Patient Organization Patient Organization; do create "{\"input\": {\"resourceType\": \"$resource\"}}"; done
  poll 10 | holds 'map(.params.input.resourceType) | sort == ["Organization", "Patient"]'
  [[ $(poll 10) == "[]" ]]
}

@test "A23: an unknown method and a missing field are refused with their names" {
  refused 422 rpc/unknown-method awf.task/nonsense awf.task/nonsense '{}'
  send '{"params": {}}'
  isError 422 rpc/invalid-params method
  send '{"method": 7}'
  isError 422 rpc/invalid-params method
  for method in start notify success fail; do
    refused 422 rpc/invalid-params "params.id" "awf.task/$method" '{"execId": "292e9f34-c275-4cd3-840f-b4c39d0512e4"}'
    refused 422 rpc/invalid-params "params.execId" "awf.task/$method" '{"id": "292e9f34-c275-4cd3-840f-b4c39d0512e4"}'
    refused 422 rpc/invalid-params "params.id" "awf.task/$method" '{"id": 7, "execId": "292e9f34-c275-4cd3-840f-b4c39d0512e4"}'
    refused 422 rpc/invalid-params "params.id" "awf.task/$method"
  done
  refused 422 rpc/invalid-params "params.id" awf.task/status '{}'
  refused 422 rpc/invalid-params "params.id" awf.task/cancel '{}'
  refused 422 rpc/invalid-params "params.definition" awf.task/create-and-execute '{"params": {}}'
  refused 422 rpc/invalid-params "params" awf.task/status '[]'
  refused 422 rpc/invalid-params "params" awf.task/status '"x"'
}

@test "A23: an unknown id is refused, whatever is wanted of it" {
  unknown='"id": "3abf82be-ec63-4fb4-908a-21d91b2d4af9"'
  attempt="$unknown, \"execId\": \"292e9f34-c275-4cd3-840f-b4c39d0512e4\""
  refused 422 awf.task/not-found "does not exist" awf.task/start "{$attempt}"
  refused 422 awf.task/not-found "does not exist" awf.task/notify "{$attempt, \"notification\": \"heartbeat\"}"
  refused 422 awf.task/not-found "does not exist" awf.task/success "{$attempt, \"result\": {}}"
  refused 422 awf.task/not-found "does not exist" awf.task/fail "{$attempt}"
  refused 422 awf.task/not-found "does not exist" awf.task/status "{$unknown}"
  refused 422 awf.task/not-found "does not exist" awf.task/cancel "{$unknown}"
}

@test "A23: a body that is neither JSON nor YAML is refused with 400" {
  for text in '{"method":' '{"method": "awf.task/list"} x' '' $'\xff' '{"a": 1e}' "{'a': 1}"; do
    send "$text"
    isError 400 rpc/invalid-body ""
  done
  encoding=yaml
  for text in 'a: [1' $'a: 1\n b: 2' $'\ta: 1' 'a: &x [*x]'; do
    send "$text" -H 'Accept: application/json'
    isError 400 rpc/invalid-body ""
  done
}

@test "A23: a batch is answered in its order, the bad beside the good" {
  create
  take
  send "[$(request awf.task/start "{$attempt}"), $(request awf.task/nonsense '{}'), 7, $(request awf.task/poll "{\"taskDefinitions\": [\"$kind\"]}")]"
  [[ $code == 200 ]]
  holds 'length == 4 and .[0].result.resource.status == "in-progress" and .[1].error.type == "rpc/unknown-method"
    and .[2].error.type == "rpc/invalid-params" and .[3] == {"result": {"resources": []}}' <<<"$body"
  send "[$(request awf.task/success "{$attempt}"), $(request awf.task/success "{$attempt}")]"
  holds 'length == 2 and (map(has("result")) | sort == [false, true])' <<<"$body"
  send '[]'
  isError 422 rpc/invalid-params batch
}

@test "a list of tasks is created whole or not at all" {
  ids=$(result awf.task/create-and-execute "[{\"definition\": \"$kind\", \"params\": {\"n\": 1}}, {\"definition\": \"$kind\", \"params\": {\"n\": 2}}]" '.resources | map(.params.n) | tojson')
  [[ $ids == "[1,2]" ]]
  refused 422 awf.task/unknown-definition unknown awf.task/create-and-execute "[{\"definition\": \"$kind\"}, {\"definition\": \"unknown\"}]"
  [[ $(result awf.task/list '{}' '.resources | length') == 2 ]]
}

@test "a task keeps the id, label, requester and parent that it was given, and an id is taken once" {
  given='"id": "819c2499-1303-4c0e-bf1e-bcca761bfbde", "label": "nightly", "requester": {"id": "me"}, "parent": "3abf82be-ec63-4fb4-908a-21d91b2d4af9"'
  id=$(create '{}' "$given")
  [[ $id == 819c2499-1303-4c0e-bf1e-bcca761bfbde ]]
  resource "$id" | holds '.label == "nightly" and .requester == {"id": "me"} and .parent.id == "3abf82be-ec63-4fb4-908a-21d91b2d4af9"'
  before=$(changed "$id")
  refused 422 awf.task/already-exists "$id" awf.task/create-and-execute "{\"definition\": \"$kind\", \"params\": {}, $given}"
  [[ $(changed "$id") == "$before" ]]
}

@test "list shows tasks by definition, status, outcome and text, sorted and in pages" {
  define "$times" other/kind
  one=$(create '{"word": "Apple"}')
  two=$(create '{"word": "pear"}' '"label": "a pineAPPLE"')
  other=$(create '{}' '' other/kind)
  result awf.task/cancel "{\"id\": \"$other\"}" .resource.id
  ids() { result awf.task/list "$1" '.resources | map(.id) | join(" ")'; }
  [[ $(ids '{}') == "$one $two $other" && $(ids null) == "$one $two $other" ]]
  [[ $(ids '{"includeDefinitions": ["other/kind"]}') == "$other" ]]
  [[ $(ids '{"excludeDefinitions": ["other/kind"]}') == "$one $two" ]]
  [[ $(ids '{"status": "ready"}') == "$one $two" && $(ids '{"status": ["done", "waiting"]}') == "$other" ]]
  [[ $(ids '{"outcome": "canceled"}') == "$other" ]]
  [[ $(ids '{"ilike": "apple"}') == "$one $two" ]]
  [[ $(ids '{"sort": "-createdAt"}') == "$other $two $one" && $(ids '{"sort": {"createdAt": "desc"}}') == "$other $two $one" ]]
  first=$(result awf.task/list '{"limit": 2}' tojson)
  holds '.resources | length == 2' <<<"$first"
  [[ $(ids "{\"limit\": 2, \"page\": $(jq .next <<<"$first")}") == "$other" ]]
  refused 422 rpc/invalid-params status awf.task/list '{"status": "asleep"}'
  refused 422 rpc/invalid-params outcome awf.task/list '{"outcome": "fine"}'
  refused 422 rpc/invalid-params sort awf.task/list '{"sort": "color"}'
  refused 422 rpc/invalid-params limit awf.task/list '{"limit": 0}'
}

@test "list sorts by the last change" {
  one=$(create)
  two=$(create)
  take
  [[ $id == "$one" ]]
  ids() { result awf.task/list "$1" '.resources | map(.id) | join(" ")'; }
  [[ $(ids '{"sort": {"lastUpdated": "asc"}}') == "$two $one" ]]
  [[ $(ids '{"sort": {"lastUpdated": "desc"}}') == "$one $two" ]]
}

@test "status shows every transition with what it set, in pages, and the definition's settings" {
  create
  take
  start
  succeed
  log "$id" tojson | holds --arg id "$id" 'map(."status-after") == ["ready", "requested", "in-progress", "done"]
    and map(."status-before" // "") == ["", "ready", "requested", "in-progress"] and all(.subject.id == $id)
    and .[1].scheduled.delay == 60000 and .[2].scheduled.delay == 60000 and (.[3] | has("scheduled") | not)'
  result awf.task/status "{\"id\": \"$id\", \"include-log\": true, \"log-from\": 2, \"log-limit\": 1}" '.log | tojson' |
    holds 'map(.index) == [2]'
  result awf.task/status "{\"id\": \"$id\", \"include-settings\": true}" .settings | holds '.requestedToStartTimeout == 60000'
  result awf.task/status "{\"id\": \"$id\"}" tojson | holds 'keys == ["resource"]'
}

# wholeLives: of one task that succeeds and one that fails, in one of the ways.
wholeLives() {
  local end outcome
  for end in success fail; do
    outcome=$([[ $end == success ]] && echo succeeded || echo failed)
    callIn awf.task/create-and-execute "{\"definition\": \"$kind\", \"params\": $organization}"
    [[ $(value status) == ready ]]
    id=$(value id)
    callIn awf.task/poll "{\"taskDefinitions\": [\"$kind\"]}"
    [[ $(value id) == "$id" && $(value status) == requested ]]
    attempt="\"id\": \"$id\", \"execId\": \"$(value execId)\""
    callIn awf.task/start "{$attempt}"
    [[ $(value status) == in-progress && $(value retryCount) == 1 ]]
    callIn awf.task/notify "{$attempt, \"notification\": \"heartbeat\", \"message\": \"yes: alive\"}"
    [[ $(value inProgressTimeoutAt) == 20*Z ]]
    callIn "awf.task/$end" "{$attempt, \"$([[ $end == success ]] && echo result || echo error)\": {\"lines\": \"a\\nb\", \"list\": [1, {}]}}"
    [[ $(value status) == 'done' && $(value outcome) == "$outcome" ]]
    callIn awf.task/status "{\"id\": \"$id\"}"
    [[ $(value status) == 'done' ]]
    encoding=json over=unix task "$id" '(.result // .error) | tojson' | holds '. == {"lines": "a\nb", "list": [1, {}]}'
  done
}

@test "tasks live their lives over the Unix socket in JSON" { over=unix encoding=json wholeLives; }
@test "tasks live their lives over the Unix socket in YAML" { over=unix encoding=yaml wholeLives; }
@test "tasks live their lives over TCP in JSON" { over=tcp encoding=json wholeLives; }
@test "tasks live their lives over TCP in YAML" { over=tcp encoding=yaml wholeLives; }
