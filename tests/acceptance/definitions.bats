# Definitions of kinds: over the API, with `callsheet define` and from a directory; what is refused, and what they do.
load helper
load api_helper

settings='"requestedToStartTimeout": 500, "inProgressTimeout": 1000.5, "allowedRetryCount": 3, "retryDelay": 200,
  "retryBackoff": 2, "retryDelayMax": 60000, "retryOnFail": true, "concurrencyLimit": 4,
  "concurrencyPath": "params.input.resourceType", "rateLimit": {"count": 10, "per": 1000, "burst": 20},
  "paramsSchema": {"type": "object"}, "resultSchema": {"type": "object"}, "errorSchema": {"type": "object"}'

# post JSON, postYaml TEXT: to /v1/definitions.
post() { ask POST /v1/definitions -H 'Content-Type: application/json' --data-binary "$1"; }
postYaml() { ask POST /v1/definitions -H 'Content-Type: text/yaml' -H 'Accept: application/json' --data-binary "$1"; }

# kinds: what is defined, by the command, which needs no daemon.
kinds() { callsheet definitions --json | jq -r '.definitions | map(.kind) | join(" ")'; }

# notDefined CODE TEXT ARGUMENTS...: `callsheet define ARGUMENTS` is refused with one sentence and defines nothing.
notDefined() {
  endsWith "$1" callsheet define "${@:3}"
  saysOneSentence "$2"
  [[ -z $output ]]
  [[ ! -e $CALLSHEET_LOCATION/default.callsheet || -z $(kinds) ]]
}

@test "a definition is posted, shown as it was given, replaced and deleted over the API" {
  serve
  post "{\"kind\": \"$kind\", \"runner\": \"remote\", $settings}"
  [[ $code == 201 ]]
  holds --argjson given "{\"kind\": \"$kind\", \"runner\": \"remote\", $settings}" \
    'del(.v, .version, .updatedAt) == $given and .v == 1 and .version == 1 and (.updatedAt | endswith("Z"))' <<<"$body"
  posted=$body
  ask GET "/v1/definitions/$kind"
  [[ $code == 200 && $body == "$posted" ]]
  post "{\"kind\": \"$kind\", \"runner\": \"remote\", \"inProgressTimeout\": 7}"
  [[ $code == 200 ]]
  # What is not given is not kept either.
  holds '.version == 2 and .inProgressTimeout == 7 and (has("retryDelay") | not)' <<<"$body"
  ask GET /v1/definitions
  holds --argjson one "$(http GET "/v1/definitions/$kind")" '.v == 1 and .definitions == [$one | del(.v)]' <<<"$body"
  ask DELETE "/v1/definitions/$kind"
  [[ $code == 200 ]]
  for method in GET DELETE; do
    ask "$method" "/v1/definitions/$kind"
    isError 404 definition/not-found "$kind"
  done
  [[ -z $(kinds) ]]
}

@test "definitions are posted in YAML, and many at once" {
  serve
  postYaml $'kind: a/b\nrunner: remote\nretryDelay: 200\nparamsSchema:\n  type: object\n  required: [url]'
  [[ $code == 201 ]]
  holds '.retryDelay == 200 and .paramsSchema == {"type": "object", "required": ["url"]}' <<<"$body"
  postYaml $'- kind: c\n- kind: d\n  concurrencyLimit: 1'
  [[ $code == 200 ]]
  holds '.definitions | map(.kind) == ["c", "d"]' <<<"$body"
  [[ $(kinds) == "a/b c d" ]]
}

@test "a kind that is defined twice at once is refused, and of the list nothing is stored" {
  serve
  post '[{"kind": "a"}, {"kind": "b"}, {"kind": "a", "runner": "remote"}]'
  isError 422 definition/invalid "'a' is defined twice"
  echo '[{"kind": "b"}, {"kind": "a"}]' >"$BATS_TEST_TMPDIR/one.json"
  echo '{"kind": "a"}' >"$BATS_TEST_TMPDIR/two.json"
  endsWith 4 callsheet define "$BATS_TEST_TMPDIR/one.json" "$BATS_TEST_TMPDIR/two.json"
  saysOneSentence "'a' is defined twice"
  [[ -z $(kinds) ]]
}

@test "a wrong definition is refused with the name of its field, and of a list nothing is stored" {
  serve
  # wrong TEXT SETTINGS
  wrong() {
    post "{\"kind\": \"k\", $2}"
    isError 422 definition/invalid "$1"
  }
  wrong nonsense '"nonsense": 1'
  wrong runner '"runner": "script"'
  wrong runner '"runner": 7'
  for name in requestedToStartTimeout inProgressTimeout retryDelay retryDelayMax; do
    for value in -1 '"x"' true 1e300; do wrong "$name" "\"$name\": $value"; done
  done
  for value in 0 -1 1.5 '"2"'; do wrong allowedRetryCount "\"allowedRetryCount\": $value"; done
  for value in 0 -1 1.5 '"2"'; do wrong concurrencyLimit "\"concurrencyLimit\": $value"; done
  wrong retryBackoff '"retryBackoff": 0.5'
  wrong retryOnFail '"retryOnFail": 1'
  wrong concurrencyPath '"concurrencyPath": 7, "concurrencyLimit": 1'
  wrong concurrencyPath '"concurrencyPath": "params.a"'
  wrong rateLimit '"rateLimit": 7'
  wrong rateLimit.per '"rateLimit": {"count": 1}'
  wrong rateLimit.count '"rateLimit": {"per": 1}'
  wrong rate '"rateLimit": {"count": 1, "per": 0}'
  wrong burst '"rateLimit": {"count": 1, "per": 1, "burst": 0}'
  wrong nonsense '"rateLimit": {"count": 1, "per": 1, "nonsense": 1}'
  for name in paramsSchema resultSchema errorSchema; do
    wrong "$name" "\"$name\": 7"
    wrong "$name" "\"$name\": {\"type\": \"nonsense\"}"
    wrong "$name" "\"$name\": {\"\$ref\": \"http://example.com/schema\"}"
  done
  for text in '{"runner": "remote"}' '{"kind": 7}' '{"kind": "a b"}' '{"kind": ""}'; do
    post "$text"
    isError 422 definition/invalid kind
  done
  for text in 7 '"x"' '[]' '[7]' null; do
    post "$text"
    isError 422 definition/invalid ""
  done
  post '[{"kind": "good"}, {"kind": "bad", "nonsense": 1}]'
  isError 422 definition/invalid nonsense
  post '{"kind": '
  isError 400 rpc/invalid-body JSON
  [[ -z $(kinds) ]]
}

@test "define takes JSON and YAML, one or many, from files and stdin, and needs no daemon" {
  cd "$BATS_TEST_TMPDIR"
  echo "{\"kind\": \"one\", \"runner\": \"remote\", $settings}" >one.json
  printf '%s\n' '- kind: two' '  retryDelay: 200' '- kind: three' >many.yaml
  printf '%s\n' 'definitions:' '  - kind: four' >wrapped.yml
  endsWith 0 callsheet define one.json many.yaml wrapped.yml
  [[ $output == $'one\ntwo\nthree\nfour' && -z $stderr ]]
  endsWith 0 callsheet define - <<<'{"kind": "five", "runner": "native"}'
  [[ $output == five ]]
  [[ $(kinds) == "five four one three two" ]]
  callsheet definitions one --json | holds --argjson given "$(cat one.json)" 'del(.v, .version, .updatedAt) == $given and .v == 1'
  [[ $(callsheet definitions two --json | jq .retryDelay) == 200 ]]
  # The same once more is no change.
  endsWith 0 callsheet define --json one.json
  holds '. == {"v": 1, "definitions": [{"kind": "one", "changed": false}]}' <<<"$output"
  [[ $(callsheet definitions one --json | jq .version) == 1 ]]
  echo 'kind: one' >one.json
  endsWith 0 callsheet define --json one.json
  holds '.definitions[0].changed' <<<"$output"
  callsheet definitions one --json | holds '.version == 2 and (has("concurrencyLimit") | not)'
}

@test "definitions shows them all in a table, or one" {
  callsheet define - <<<"[{\"kind\": \"one\", \"runner\": \"remote\", \"concurrencyLimit\": 4}, {\"kind\": \"two\"}]"
  endsWith 0 callsheet definitions
  [[ ${#lines[@]} == 3 && ${lines[0]} == KIND*RUNNER*VERSION*SETTINGS* && ${lines[1]} == one*remote*1*concurrencyLimit*4* && ${lines[2]} == two*-*1*- ]]
  endsWith 0 callsheet definitions one
  [[ $output == *'"concurrencyLimit": 4'* ]]
  endsWith 3 callsheet definitions nobody
  saysOneSentence "'nobody' is not defined"
}

@test "define --remove removes them all or none" {
  callsheet define - <<<'[{"kind": "one"}, {"kind": "two"}, {"kind": "three"}]'
  endsWith 3 callsheet define --remove one nobody
  saysOneSentence "nobody"
  [[ $(kinds) == "one three two" ]]
  endsWith 0 callsheet define --remove one two
  [[ $output == $'one\ntwo' && $(kinds) == three ]]
  endsWith 0 callsheet --json define --remove three
  holds '. == {"v": 1, "removed": ["three"]}' <<<"$output"
  [[ -z $(kinds) ]]
}

@test "define refuses what is wrong with the file's name, and stores nothing of it or of what came with it" {
  cd "$BATS_TEST_TMPDIR"
  echo '{"kind": "good"}' >good.json
  echo '{"kind": "bad", "nonsense": 1}' >bad.json
  printf '%s\n' '- kind: good' '- kind: bad' '  retryDelay: soon' >bad.yaml
  echo '{"kind": ' >broken.json
  printf 'a: [1\n' >broken.yaml
  : >empty.yaml
  notDefined 4 "bad.json: definition has no field 'nonsense'" good.json bad.json
  notDefined 4 "bad.yaml: definition 2: definition.retryDelay must be a number" bad.yaml
  notDefined 4 "broken.json cannot be read" good.json broken.json
  notDefined 4 "broken.yaml cannot be read" broken.yaml
  notDefined 4 "empty.yaml" empty.yaml
  notDefined 4 "stdin" - <<<'{"kind": "a b"}'
  notDefined 4 "no definition" - <<<'[]'
  endsWith 3 callsheet define good.json nowhere.json
  saysOneSentence "nowhere.json cannot be read"
  endsWith 2 callsheet define
  saysOneSentence "files"
}

@test "a principal defines what its directory holds before it serves" {
  mkdir "$BATS_TEST_TMPDIR/definitions"
  cd "$BATS_TEST_TMPDIR/definitions"
  echo "{\"kind\": \"$kind\", \"runner\": \"remote\", $times}" >one.json
  printf '%s\n' '- kind: two' '- kind: three' >many.yaml
  echo 'kind: four' >four.yml
  echo 'this is no definition' >README.md
  echo 'nor is this' >.hidden.json
  serve --definitions "$BATS_TEST_TMPDIR/definitions"
  [[ $(kinds) == "$kind four three two" ]]
  create
  take
  start
}

@test "a principal does not start with a wrong file in its directory, and names it" {
  mkdir "$BATS_TEST_TMPDIR/definitions"
  echo 'kind: good' >"$BATS_TEST_TMPDIR/definitions/a.yaml"
  echo '{"kind": "bad", "nonsense": 1}' >"$BATS_TEST_TMPDIR/definitions/b.json"
  callsheet define - <<<'{"kind": "former"}'
  endsWith 4 timeout 20 callsheet principal --definitions "$BATS_TEST_TMPDIR/definitions"
  [[ $stderr == *"b.json: definition has no field 'nonsense'"* ]]
  [[ $(kinds) == former ]]
  run --separate-stderr timeout 20 callsheet principal --definitions "$BATS_TEST_TMPDIR/nowhere"
  [[ $status -ne 0 && $status -ne 124 && $stderr == *"$BATS_TEST_TMPDIR/nowhere"* ]]
}

@test "schemas refuse params, results and errors that do not fit" {
  serve
  define "$times"', "paramsSchema": {"type": "object", "required": ["url"], "properties": {"url": {"type": "string"}}},
    "resultSchema": {"type": "object", "required": ["rows"]}, "errorSchema": {"type": "object", "required": ["why"]}'
  for params in '{}' '{"url": 7}' '[]' null; do
    refused 422 awf.task/schema-mismatch params awf.task/create-and-execute "{\"definition\": \"$kind\", \"params\": $params}"
  done
  refused 422 awf.task/schema-mismatch url awf.task/create-and-execute "{\"definition\": \"$kind\", \"params\": {}}"
  ask POST /v1/jobs -d "{\"kind\": \"$kind\", \"parameters\": {}}"
  isError 422 awf.task/schema-mismatch url
  [[ $(result awf.task/list '{}' '.resources | length') == 0 ]]
  create '{"url": "https://example.com"}'
  take
  start
  before=$(resource "$id")
  refused 422 awf.task/schema-mismatch rows awf.task/success "{$attempt, \"result\": {}}"
  refused 422 awf.task/schema-mismatch result awf.task/success "{$attempt, \"result\": 7}"
  refused 422 awf.task/schema-mismatch why awf.task/fail "{$attempt, \"error\": {}}"
  refused 422 awf.task/schema-mismatch why awf.task/fail "{$attempt, \"result\": {}}"
  [[ $(resource "$id") == "$before" ]]
  succeed '{"rows": 7}'
}

@test "retryOnFail lets a failed task be tried again as often as allowed, with back-off" {
  serve
  define '"requestedToStartTimeout": 60000, "inProgressTimeout": 60000, "allowedRetryCount": 3, "retryDelay": 100, "retryBackoff": 4, "retryOnFail": true'
  id=$(create)
  for count in 1 2 3; do
    eventually hasStatus "$id" ready
    take
    start | holds --argjson count "$count" '.retryCount == $count'
    result awf.task/fail "{$attempt, \"error\": {\"n\": $count}}" .resource
  done
  resource "$id" | holds '.status == "done" and .outcome == "failed" and .error == {"n": 3}'
  log "$id" 'map(select(."status-after" == "waiting") | .scheduled.delay) | tojson' | holds '. == [100, 400]'
}

@test "the times of a definition that says none are those of the seed" {
  serve
  post "{\"kind\": \"$kind\", \"runner\": \"remote\"}"
  create
  take
  start
  log "$id" 'map(.scheduled.delay // 0) | tojson' | holds '. == [0, 10000, 120000]'
}

@test "a change of a definition applies to what is handed out later" {
  serve
  define '"requestedToStartTimeout": 70000, "inProgressTimeout": 80000'
  create
  take
  define '"requestedToStartTimeout": 50000, "inProgressTimeout": 40000'
  # Its time to start is what it was handed out with.
  [[ $(log "$id" '.[-1].scheduled.delay') == 70000 ]]
  create
  take
  [[ $(log "$id" '.[-1].scheduled.delay') == 50000 ]]
  start
  [[ $(log "$id" '.[-1].scheduled.delay') == 40000 ]]
}

@test "a kind that is deleted cannot be created, and what was created of it waits for its definition" {
  serve
  define
  create
  ask DELETE "/v1/definitions/$kind"
  [[ $code == 200 ]]
  refused 422 awf.task/unknown-definition "$kind" awf.task/create-and-execute "{\"definition\": \"$kind\"}"
  define
  take
  start
}
