# The examples of seed 002: its request bodies word for word but for the ids, and its answers field by field.
#
# golden/METHOD.request.yaml and golden/METHOD.response.yaml are the seed's own; what is commented out there says why.
load helper
load api_helper

setup() {
  callsheetSetup
  command -v python3 >/dev/null || skip "python3 is not installed, which compares the answers"
  serve
  define
  golden=$BATS_TEST_DIRNAME/golden
  # What the examples' tasks are given.
  import='{"type": "aidbox", "input": {"url": "https://storage.googleapis.com/aidbox-public/synthea/100/Organization.ndjson.gz", "resourceType": "Organization"}}'
}

# example METHOD: sends the seed's request about what was taken, as the seed sends it; $body is the answer.
example() {
  local text
  text=$(sed -E "s/^( *id: +).*/\\1${id-}/; s/^( *execId: +).*/\\1${exec-}/" "$golden/$1.request.yaml")
  ask POST /rpc -H 'content-type: text/yaml' -H 'accept: text/yaml' --data-binary "$text"
  [[ $code == 200 ]] || { echo "the answer is $code $body" >&2; return 1; }
  echo "$body" >"$BATS_TEST_TMPDIR/answer.yaml"
}

# answersAsInTheSeed METHOD: of the last answer.
answersAsInTheSeed() { "$BATS_TEST_DIRNAME/compare_answer" "$golden/$1.response.yaml" "$BATS_TEST_TMPDIR/answer.yaml"; }

# in METHOD of seconds from now.
inSeconds() { date -u -d "@$(($(now) / 1000 + $1))" +%Y-%m-%dT%H:%M:%S; }

@test "the example of poll" {
  id=$(create "$import" "\"executeAt\": \"$(inSeconds 1)\"")
  eventually hasStatus "$id" ready
  example poll
  answersAsInTheSeed poll
}

@test "the example of long-poll" {
  create "$import" "\"executeAt\": \"$(inSeconds 2)\""
  example long-poll
  answersAsInTheSeed long-poll
}

@test "the example of start" {
  create "$import"
  take
  example start
  answersAsInTheSeed start
}

@test "the example of notify" {
  create "$import"
  take
  start
  example notify
  answersAsInTheSeed notify
  [[ $(log "$id" '.[-1]."action-params" | tojson' | jq -cS .) == '{"message":"task is alive","notification":"heartbeat"}' ]]
}

@test "the example of success" {
  create "$import"
  take
  start
  example success
  answersAsInTheSeed success
}

@test "the example of fail, whose task had its first attempt time out" {
  define '"requestedToStartTimeout": 60000, "inProgressTimeout": 100, "retryDelay": 100'
  create "$import"
  take
  start
  define
  eventually hasStatus "$id" ready
  take
  start
  example fail
  answersAsInTheSeed fail
}

@test "what executeAt a task was given is shown though it lies in the past, as in the example of poll" {
  id=$(create "$import" '"executeAt": "2023-05-04T15:30:43"')
  example poll
  answersAsInTheSeed poll
  [[ $body == *"executeAt: '2023-05-04T15:30:43.000000Z'"* ]]
}

@test "whoever sends YAML is answered in YAML, whoever sends JSON in JSON, unless they ask for the other" {
  yaml='method: awf.task/list'
  json='{"method": "awf.task/list"}'
  headers() { http POST /rpc -o /dev/null -D - "$@" | tr -d '\r' | grep -i '^content-type:'; }
  [[ $(headers -H 'Content-Type: text/yaml' -d "$yaml") == "Content-Type: text/yaml" ]]
  [[ $(headers -H 'Content-Type: application/json' -d "$json") == "Content-Type: application/json" ]]
  [[ $(headers -H 'Content-Type: text/yaml' -H 'Accept: application/json' -d "$yaml") == "Content-Type: application/json" ]]
  [[ $(headers -H 'Content-Type: application/json' -H 'Accept: text/yaml' -d "$json") == "Content-Type: text/yaml" ]]
  # curl's own type, when nobody says one.
  [[ $(headers -d "$json") == "Content-Type: application/json" ]]
  [[ $(http POST /rpc -H 'Content-Type: text/yaml' -d "$yaml") == $'result:\n  resources: []' ]]
  # Errors too.
  [[ $(http POST /rpc -H 'Content-Type: text/yaml' -d 'method: x') == $'error:\n  type: rpc/unknown-method\n  message: '* ]]
}

@test "the comparer of answers tells what differs" {
  same() { "$BATS_TEST_DIRNAME/compare_answer" "$golden/start.response.yaml" "$1"; }
  same "$golden/start.response.yaml"
  # other FROM TO: with that difference.
  other() { sed "s/$1/$2/" "$golden/start.response.yaml" >"$BATS_TEST_TMPDIR/other.yaml"; run same "$BATS_TEST_TMPDIR/other.yaml"; }
  other "status: in-progress" "status: done"
  [[ $status -eq 1 && $output == *".result.resource.status: expected 'in-progress', given 'done'"* ]]
  other "retryCount: 1" "retryCount: '1'"
  [[ $status -eq 1 && $output == *retryCount* ]]
  other "versionId: '128518'" "versionId: 128518"
  [[ $status -eq 1 && $output == *versionId* ]]
  other "    status:.*" ""
  [[ $status -eq 1 && $output == *"status: expected 'in-progress', given nothing"* ]]
  other "execId: .*" "execId: none"
  [[ $status -eq 1 && $output == *"execId: expected a UUID, given 'none'"* ]]
  other "    status: in-progress" "    status: in-progress\\n    more: 1"
  [[ $status -eq 1 && $output == *"more: expected nothing, given 1"* ]]
}
