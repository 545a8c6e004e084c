# Jobs over HTTP as an operator sees them: /v1/jobs, one, its log, submit, cancel and retry; and `log --follow`.
load helper
load api_helper

setup() {
  callsheetSetup
  serve
}

# submitted JSON: makes a job, which must be new; the answer is $body. submit JSON: its id.
submitted() {
  ask POST /v1/jobs -H 'Content-Type: application/json' --data-binary "$1"
  [[ $code == 201 ]] || { echo "submitting is answered by $code $body" >&2; return 1; }
}
submit() {
  submitted "$1"
  jq -r .id <<<"$body"
}

# jobs QUERY: the ids that the list shows.
jobs() { http GET "/v1/jobs?$1" | jq -r '.jobs | map(.id) | join(" ")'; }

# wrong STATUS TYPE TEXT METHOD PATH [CURL_ARGUMENT...]
wrong() {
  ask "${@:4}"
  isError "$1" "$2" "$3"
}

@test "jobs are listed with the command's fields, by state, outcome, owner, kind, queue and label" {
  [[ $(http GET /v1/jobs | jq -c .) == '{"v":1,"jobs":[],"unreadable":[],"next":null}' ]]
  one=$(submit '{"kind": "one", "labels": {"team": "blue"}}')
  two=$(submit '{"kind": "two", "queue": "nightly", "labels": {"team": "red"}, "delay": 3600000}')
  three=$(submit '{"kind": "one"}')
  ask POST "/v1/jobs/$three/cancel"
  [[ $(jobs "") == "$one $two $three" && $(jobs newest) == "$three $two $one" && $(jobs newest=false) == "$one $two $three" ]]
  [[ $(jobs state=ready) == "$one" && $(jobs "state=ready&state=waiting") == "$one $two" && $(jobs state=done) == "$three" ]]
  [[ $(jobs outcome=canceled) == "$three" && -z $(jobs outcome=failed) ]]
  [[ $(jobs kind=one) == "$one $three" && $(jobs queue=nightly) == "$two" ]]
  [[ $(jobs label=team) == "$one $two" && $(jobs label=team%3Dred) == "$two" ]]
  [[ $(jobs owner=principal) == "$one $two $three" ]]
  [[ $(jobs "kind=one&state=done") == "$three" ]]
  # The same as the command shows.
  diff <(http GET /v1/jobs | jq -S '.jobs | map(del(.unclaimable))') <(callsheet list --json | jq -S '.jobs | map(del(.unclaimable))')
  wrong 422 rpc/invalid-params state GET "/v1/jobs?state=asleep"
  wrong 422 rpc/invalid-params outcome GET "/v1/jobs?outcome=fine"
  wrong 422 rpc/invalid-params color GET "/v1/jobs?color=red"
}

@test "a long list comes in pages" {
  for n in 1 2 3 4 5 6 7; do submit "{\"kind\": \"one\", \"parameters\": $n}"; done >"$BATS_TEST_TMPDIR/ids"
  next='' pages=0
  while true; do
    page=$(http GET "/v1/jobs?limit=3${next:+&page=$next}")
    jq -r '.jobs[].id' <<<"$page" >>"$BATS_TEST_TMPDIR/listed"
    pages=$((pages + 1))
    next=$(jq -r '.next // "" | @uri' <<<"$page")
    [[ -n $next ]] || break
  done
  [[ $pages == 3 ]]
  diff "$BATS_TEST_TMPDIR/ids" "$BATS_TEST_TMPDIR/listed"
  for limit in 0 -1 1001 x 1.5 ''; do wrong 422 rpc/invalid-params limit GET "/v1/jobs?limit=$limit"; done
  ask GET "/v1/jobs?page=nonsense"
  [[ $code == 4?? ]]
  holds '.error.type' <<<"$body"
}

@test "one job is shown by its full id, its short one, and what is unambiguous of it" {
  id=$(submit '{"kind": "one", "parameters": {"a": [1, null]}}')
  shown=$(http GET "/v1/jobs/$id")
  holds --arg id "$id" '.v == 1 and .id == $id and .state == "ready" and .parameters == {"a": [1, null]}' <<<"$shown"
  [[ $(http GET "/v1/jobs/${id: -8}") == "$shown" && $(http GET "/v1/jobs/${id: -8:5}") == "$shown" ]]
  diff <(jq -S 'del(.unclaimable)' <<<"$shown") <(callsheet show --json "$id" | jq -S 'del(.unclaimable, .log, .steps)')
  other=$(submit '{"kind": "one"}')
  # Made one soon after the other, so they begin alike.
  alike=$(printf '%s\n' "$id" "$other" | sed -e 'N;s/^\(.*\).*\n\1.*$/\1/')
  wrong 409 job/ambiguous "$other" GET "/v1/jobs/${alike:0:8}"
  for path in ffffffff 3abf82be-ec63-4fb4-908a-21d91b2d4af9 not-hex; do
    wrong 404 job/not-found "$path" GET "/v1/jobs/$path"
    wrong 404 job/not-found "$path" GET "/v1/jobs/$path/log"
    wrong 404 job/not-found "$path" POST "/v1/jobs/$path/cancel"
    wrong 404 job/not-found "$path" POST "/v1/jobs/$path/retry"
  done
}

@test "a job is submitted with all its options" {
  submitted '{"id": "819c2499-1303-4c0e-bf1e-bcca761bfbde", "kind": "reports/monthly", "parameters": {"month": 3},
    "queue": "nightly", "priority": -3, "delay": 3600000.5, "key": "report/42", "keyWindow": 60000, "labels": {"team": "blue"},
    "attempts": 5, "retryDelay": 250, "limit": 1500, "requester": "me", "to": "principal",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}'
  holds '.id == "819c2499-1303-4c0e-bf1e-bcca761bfbde" and .submission == "accepted" and .kind == "reports/monthly" and .parameters == {"month": 3} and .queue == "nightly"
    and .priority == -3 and .state == "waiting" and .waitingFor == "due" and .key == "report/42" and .labels == {"team": "blue"}
    and .retry.maxAttempts == 5 and .retry.firstDelayMs == 250 and .attemptLimitMs == 1500 and .requester == "me"
    and .owner == "principal"' <<<"$body"
  made=$(millisOf "$(jq -r .createdAt <<<"$body")")
  isBetween $((made + 3600000)) "$(millisOf "$(jq -r .wakeAt <<<"$body")")" $((made + 3600001))
  submitted '{"kind": "one", "notBefore": "2100-01-01T00:00:00Z"}'
  [[ $(jq -r .wakeAt <<<"$body") == 2100-01-01T00:00:00.000Z ]]
  submitted '{"kind": "one", "requester": {"id": "me", "roles": [1, "two", null]}}'
  holds '.requester == {"id": "me", "roles": [1, "two", null]}' <<<"$body"
  startAssistant worker
  submitted '{"kind": "one", "to": "worker"}'
  [[ $(jq -r .owner <<<"$body") == worker ]]
}

@test "a wrong job is refused with its field's name, and nothing is made" {
  wrong 422 rpc/invalid-params kind POST /v1/jobs -d '{}'
  for more in '"nonsense": 1' '"id": "x"' '"queue": 7' '"queue": ".hidden"' '"priority": 1001' '"priority": 0.5' '"delay": -1' \
    '"delay": "1s"' '"notBefore": "soon"' '"key": 7' '"labels": []' '"labels": {"a": 1}' '"attempts": 0' '"retryDelay": -1' '"limit": -1'; do
    name=${more#\"}
    wrong 422 rpc/invalid-params "${name%%\"*}" POST /v1/jobs -d "{\"kind\": \"one\", $more}"
  done
  wrong 422 rpc/invalid-params "a b" POST /v1/jobs -d '{"kind": "a b"}'
  wrong 422 rpc/invalid-params job POST /v1/jobs -d '[]'
  wrong 400 rpc/invalid-body "" POST /v1/jobs -d '{'
  ask POST /v1/jobs -d '{"kind": "one", "to": "nobody"}'
  [[ $code == 4?? ]]
  holds '.error.message | contains("nobody")' <<<"$body"
  [[ -z $(jobs "") ]]
}

@test "a known key answers with its job, and an id that was used otherwise is a conflict" {
  id=$(submit '{"kind": "one", "key": "report/42"}')
  ask POST /v1/jobs -d '{"kind": "one", "key": "report/42", "parameters": {"other": true}}'
  [[ $code == 200 ]]
  holds --arg id "$id" '.id == $id and .submission == "duplicate" and .parameters == {}' <<<"$body"
  given='{"id": "819c2499-1303-4c0e-bf1e-bcca761bfbde", "kind": "one"}'
  submit "$given"
  ask POST /v1/jobs -d "$given"
  [[ $code == 200 && $(jq -r .submission <<<"$body") == duplicate ]]
  wrong 409 job/conflict "" POST /v1/jobs -d '{"id": "819c2499-1303-4c0e-bf1e-bcca761bfbde", "kind": "other"}'
  [[ $(jobs "" | wc -w) == 2 ]]
}

@test "jobs are submitted and shown in YAML too" {
  ask POST /v1/jobs -H 'Content-Type: text/yaml' --data-binary $'kind: one\nparameters:\n  a: [1, two]\n'
  [[ $code == 201 && $body == *$'\nkind: one\n'* ]]
  id=$(encoding=yaml value id)
  http GET "/v1/jobs/$id" | holds '.parameters == {"a": [1, "two"]}'
  [[ $(http GET "/v1/jobs/$id" -H 'Accept: text/yaml') == *$'\nstate: ready\n'* ]]
}

@test "a job that was submitted over HTTP is run by the principal" {
  # As the command makes it.
  made=$(callsheet add --delay 1h -- sh -c 'echo hello')
  http GET "/v1/jobs/$made" | jq '{kind, parameters}' >"$BATS_TEST_TMPDIR/job"
  id=$(submit @"$BATS_TEST_TMPDIR/job")
  endsWith 0 callsheet wait "$id" --timeout 20
  [[ $(callsheet log --output "$id") == hello ]]
  http GET "/v1/jobs/$id" | holds '.state == "done" and .outcome == "succeeded"'
}

@test "cancel ends a job with its reason, and one that is done stays as it is" {
  id=$(submit '{"kind": "one"}')
  ask POST "/v1/jobs/${id: -8}/cancel" -d '{"reason": "not needed"}'
  [[ $code == 200 ]]
  holds '.state == "done" and .outcome == "canceled"' <<<"$body"
  http GET "/v1/jobs/$id/log" | holds '.entries[-1] | .move == "cancel" and .note == "not needed"'
  # Said once more it has happened already.
  before=$(http GET "/v1/jobs/$id")
  ask POST "/v1/jobs/$id/cancel"
  [[ $code == 200 && $(http GET "/v1/jobs/$id") == "$before" ]]
  id=$(callsheet add -- true)
  callsheet wait "$id" --timeout 20
  before=$(http GET "/v1/jobs/$id")
  wrong 409 job/has-been-done "$id" POST "/v1/jobs/$id/cancel"
  [[ $(http GET "/v1/jobs/$id") == "$before" ]]
  # One that runs stops by and by.
  id=$(callsheet add -- "${endless[@]}")
  eventually hasState "$id" in-progress
  ask POST "/v1/jobs/$id/cancel"
  [[ $code == 200 ]]
  eventually hasState "$id" 'done'
  http GET "/v1/jobs/$id" | holds '.outcome == "canceled"'
}

@test "retry makes a new job of one that is done" {
  id=$(submit '{"kind": "one", "parameters": {"n": 1}, "labels": {"a": "b"}}')
  wrong 409 job/not-done ready POST "/v1/jobs/$id/retry"
  ask POST "/v1/jobs/$id/cancel"
  ask POST "/v1/jobs/${id: -8}/retry"
  [[ $code == 201 ]]
  holds --arg id "$id" '.retryOf == $id and .id != $id and .state == "ready" and .parameters == {"n": 1} and .labels == {"a": "b"}' <<<"$body"
  [[ $(jobs "" | wc -w) == 2 ]]
}

@test "a job's log comes in pages, as the command shows it" {
  define
  create
  take
  start
  for n in 1 2 3; do result awf.task/notify "{$attempt, \"notification\": \"progress\", \"progress-current\": $n}" .; done
  succeed
  diff <(http GET "/v1/jobs/$id/log" | jq -S '.entries') <(callsheet log --json "$id" | jq -S '.entries')
  next=0
  while [[ $next != null ]]; do
    page=$(http GET "/v1/jobs/$id/log?limit=2&from=$next")
    jq -r '.entries[].move' <<<"$page" >>"$BATS_TEST_TMPDIR/moves"
    next=$(jq -r .next <<<"$page")
  done
  [[ $(xargs <"$BATS_TEST_TMPDIR/moves") == "submit request start notify notify notify succeed" ]]
  for limit in 0 x 1001; do wrong 422 rpc/invalid-params limit GET "/v1/jobs/$id/log?limit=$limit"; done
  wrong 422 rpc/invalid-params from GET "/v1/jobs/$id/log?from=-1"
}

@test "the command's log comes in pages too" {
  define
  create
  take
  start
  succeed
  page=$(callsheet log --json --limit 3 "$id")
  [[ $(jq -r '.entries | map(.move) | join(" ")' <<<"$page") == "submit request start" ]]
  callsheet log --json --page "$(jq -r .next <<<"$page")" "$id" | holds '(.entries | map(.move)) == ["succeed"] and .next == null'
}

@test "log --follow prints each transition as it comes and ends with the job" {
  define
  id=$(create)
  callsheet log "${id: -8}" --follow >"$BATS_TEST_TMPDIR/followed" 3>&- &
  follower=$!
  callsheet log --json "$id" --follow >"$BATS_TEST_TMPDIR/json" 3>&- &
  daemons+=("$follower" "$!")
  eventually grep -q submit "$BATS_TEST_TMPDIR/followed"
  take
  eventually grep -q request "$BATS_TEST_TMPDIR/followed"
  start
  eventually grep -q start "$BATS_TEST_TMPDIR/followed"
  result awf.task/notify "{$attempt, \"notification\": \"heartbeat\", \"message\": \"half way\"}" .
  eventually grep -q "half way" "$BATS_TEST_TMPDIR/followed"
  isRunning "$follower"
  succeed
  eventually hasEnded "$follower"
  wait "$follower"
  eventually hasEnded "${daemons[-1]}"
  [[ $(wc -l <"$BATS_TEST_TMPDIR/followed") == 5 && $(tail -n 1 "$BATS_TEST_TMPDIR/followed") == *succeed* ]]
  holds -s 'map(.entry.move) == ["submit", "request", "start", "notify", "succeed"] and all(.v == 1)' <"$BATS_TEST_TMPDIR/json"
  # Of a job that is done already, all at once.
  [[ $(callsheet log "$id" --follow) == "$(<"$BATS_TEST_TMPDIR/followed")" ]]
}
