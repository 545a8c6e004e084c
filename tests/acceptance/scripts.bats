# Periodic scripts over /api/v1/tasks, as the clients of the Governify director know them; and how scripts run.
load helper
load api_helper

setup() {
  callsheetSetup
  scripts=$BATS_TEST_TMPDIR/scripts
  mkdir "$scripts"
  # shellcheck disable=SC2016
  echo 'module.exports.main = (c) => "hi " + c.agreementId' >"$scripts/hello.js"
}

# serveScripts ARGUMENTS...: a principal whose address is $url and whose scripts are at $at; a task's interval is an hour.
serveScripts() {
  serve --scripts "$scripts" "$@"
  at=$url/public/director
  hourly='"init":"2026-01-01T00:00:00Z","end":"2099-01-01T00:00:00Z","interval":3600000'
}
# tasks METHOD PATH [JSON]: sets $code and $body.
tasks() { ask "$1" "/api/v1/tasks$2" ${3+-H 'Content-Type: application/json' --data-binary "$3"}; }
# made JSON: a task that must be accepted.
made() {
  tasks POST "" "$1"
  [[ $code == 200 ]] || { echo "instead of 200 the answer is $code $body" >&2; return 1; }
}
# says CODE TEXT: whether the last answer is {"code","message"} with that text in the message.
says() {
  [[ $code == "$1" && $(jq -r '.code' <<<"$body") == "$1" && $(jq -r .message <<<"$body") == *"$2"* ]] ||
    { echo "instead of $1 '$2' the answer is $code $body" >&2; return 1; }
}
# isRefused TEXT JSON: answered with 400 for that reason, and nothing is stored.
isRefused() {
  tasks POST "" "$2"
  says 400 "$1"
  [[ $(http GET /api/v1/tasks) == "[]" ]]
}

@test "a task is created, listed, read and found by its fields as it was sent" {
  serveScripts
  task='{"id":"t1","script":"'$at'/hello.js","running":false,"config":{"agreementId":"ag1"},'$hourly'}'
  tasks GET ""
  [[ $code == 200 && $(jq -c . <<<"$body") == "[]" ]]
  made "$task"
  [[ $(jq -cS . <<<"$body") == "$(jq -cS . <<<"$task")" ]]
  tasks GET /t1
  [[ $code == 200 && $(jq -cS . <<<"$body") == "$(jq -cS . <<<"$task")" ]]
  [[ $(http GET /api/v1/tasks | jq length) == 1 ]]
  [[ $(http GET '/api/v1/tasks?id=t1' | jq length) == 1 ]]
  [[ $(http GET '/api/v1/tasks?id=nope' | jq length) == 0 ]]
  [[ $(http GET '/api/v1/tasks?running=false' | jq length) == 1 ]]
  made '{"script":"hello.js","config":{},"interval":5000}'
  [[ $(jq -r .id <<<"$body") =~ $uuid ]]
  tasks GET "/$(jq -r .id <<<"$body")"
  [[ $code == 200 ]]
  callsheet schedule show t1 | grep -q 'kept by *tasks'
}

@test "the same task twice, or its id for another, is refused and changes nothing" {
  serveScripts
  task='{"id":"t1","script":"hello.js","config":{"a":1},'$hourly'}'
  made "$task"
  tasks POST "" "$task"
  says 400 "Task already exists"
  tasks POST "" '{"script":"hello.js","config":{"a":1},'"$hourly"'}'
  says 400 "Task already exists"
  tasks POST "" '{"id":"t1","script":"other.js","config":{},'"$hourly"'}'
  says 400 "Task already exists"
  [[ $(http GET /api/v1/tasks/t1 | jq -r .script) == hello.js ]]
  callsheet schedule add mine 'every 1h' -- true
  tasks POST "" '{"id":"mine","script":"hello.js","config":{},'"$hourly"'}'
  says 400 "Task already exists"
  tasks GET /mine
  says 404 "Not Found"
}

@test "a task is run by hand with either verb, also while it is stopped, and answers what its script returns" {
  serveScripts
  made '{"id":"t1","script":"'"$at"'/hello.js","running":false,"config":{"agreementId":"ag1"},"interval":10000000000}'
  for verb in PUT POST; do
    tasks "$verb" /t1/run
    [[ $code == 200 && $body == "hi ag1" ]]
  done
  tasks GET /t1/status
  [[ $(jq -c '[.id, .running, .state, .nextExecution]' <<<"$body") == '["t1",false,"stopped",null]' ]]
  echo 'exports.main = async (c) => ({ sum: c.a + c.b })' >"$scripts/sum.js"
  made '{"id":"sum","script":"sum.js","config":{"a":2,"b":3},"interval":3600000}'
  tasks PUT /sum/run
  [[ $code == 200 && $(jq -c . <<<"$body") == '{"sum":5}' ]]
  # It is read at every execution.
  echo 'exports.main = () => "changed"' >"$scripts/sum.js"
  tasks PUT /sum/run
  [[ $body == changed ]]
  tasks GET /sum/executions
  [[ $(jq -c '[.[] | [.state, .result]]' <<<"$body") == '[["SUCCEEDED","changed"],["SUCCEEDED",{"sum":5}]]' ]]
  [[ $(jq -r '.[0] | (.start <= .finish) and .error == null' <<<"$body") == true ]]
}

@test "a running task executes at its interval, and stops and starts as it is told" {
  serveScripts
  echo 'exports.main = (c) => { console.log("printed", c.n); return c.n }' >"$scripts/tick.js"
  made '{"id":"tick","script":"tick.js","running":true,"config":{"n":7},"init":"2026-01-01T00:00:00Z","interval":"300"}'
  [[ $(jq .interval <<<"$body") == 300 ]]
  tasks GET /tick/status
  next=$(jq -r .nextExecution <<<"$body")
  ((next > $(now) - 300 && (next - $(millisOf 2026-01-01T00:00:00Z)) % 300 == 0))
  hasRun() { (($(http GET /api/v1/tasks/tick/executions | jq '[.[] | select(.state == "SUCCEEDED")] | length') >= $1)); }
  eventually hasRun 3
  [[ $(http GET /api/v1/tasks/tick/executions | jq -c '[.[] | select(.state == "SUCCEEDED")][0] | [.result, .log]') == '[7,["printed 7"]]' ]]
  tasks POST /tick/status/start
  says 400 "Task already running"
  tasks POST /tick/status/stop
  [[ $code == 200 ]]
  idle() { [[ $(http GET /api/v1/tasks/tick/status | jq -r .state) == stopped ]]; }
  eventually idle
  count=$(http GET '/api/v1/tasks/tick/executions?limit=100' | jq length)
  tasks POST /tick/status/stop
  says 400 "Task is not running"
  letPass 900
  [[ $(http GET '/api/v1/tasks/tick/executions?limit=100' | jq length) == "$count" ]]
  tasks POST /tick/status/dance
  says 400 "Action not permitted"
  tasks POST /tick/status/switch
  [[ $code == 200 ]]
  more() { (($(http GET '/api/v1/tasks/tick/executions?limit=100' | jq length) > count)); }
  eventually more
  tasks DELETE /tick
  says 202 Deleted
  tasks GET /tick
  says 404 "Not Found"
}

@test "an update replaces the task, and its next executions use it" {
  serveScripts
  made '{"id":"t1","script":"hello.js","running":false,"config":{"agreementId":"x"},'"$hourly"'}'
  echo 'exports.main = () => "new"' >"$scripts/new.js"
  tasks PUT /t1 '{"script":"new.js","running":true,"config":{},"interval":300}'
  [[ $code == 200 && $(jq -c . <<<"$body") == '{"code":201,"message":"Updated"}' ]]
  [[ $(http GET /api/v1/tasks/t1 | jq -c '[.script, .running, .interval, .end]') == '["new.js",true,300,null]' ]]
  hasNew() { [[ $(http GET /api/v1/tasks/t1/executions | jq -r '.[].result' | sort -u) == *new* ]]; }
  eventually hasNew
  tasks PUT /t1 '{"id":"t2","script":"new.js","config":{},"interval":300}'
  says 400 "does not change"
  for call in "PUT /no" "GET /no" "DELETE /no" "GET /no/status" "PUT /no/run" "POST /no/status/stop" "GET /no/executions"; do
    # shellcheck disable=SC2086
    tasks $call '{"script":"new.js","config":{},"interval":300}'
    says 404 "Not Found"
  done
  tasks DELETE /t1
}

@test "a task is gone at its end, a stopped one too" {
  serveScripts
  end=$(date -u -d '+2 seconds' +%FT%TZ)
  made '{"id":"a","script":"hello.js","running":true,"config":{},"end":"'"$end"'","interval":500}'
  made '{"id":"b","script":"hello.js","running":false,"config":{},"end":"'"$end"'","interval":500}'
  isGone() { [[ $(http GET /api/v1/tasks) == "[]" ]]; }
  waitUntil 8 isGone
}

@test "a script that is missing, throws, has no main or does not parse fails its execution and nobody else's" {
  serveScripts
  echo 'exports.main = () => { throw new Error("boom") }' >"$scripts/boom.js"
  echo 'exports.other = 1' >"$scripts/nomain.js"
  echo 'exports.main = (' >"$scripts/syntax.js"
  for name in missing boom nomain syntax; do
    made '{"id":"'$name'","script":"'"$at/$name.js"'","running":false,"config":{},'"$hourly"'}'
  done
  tasks PUT /missing/run
  says 500 "Error obtaining: $at/missing.js"
  [[ $(jq -r .message <<<"$body") == "Error obtaining: $at/missing.js" ]]
  tasks PUT /boom/run
  says 500 "task boom: boom"
  tasks PUT /nomain/run
  says 500 "exports no function main"
  tasks PUT /syntax/run
  says 500 "Unexpected"
  tasks GET /boom/executions
  [[ $(jq -c '.[0] | [.state, .error, .result]' <<<"$body") == '["FAILED","boom",null]' ]]
  [[ $(jq -r '.[0].log | join(" ")' <<<"$body") == *"at exports.main"* ]]
  made '{"id":"t1","script":"hello.js","config":{"agreementId":1},'"$hourly"'}'
  tasks PUT /t1/run
  [[ $body == "hi 1" ]]
}

@test "invalid tasks are refused with a reason and store nothing" {
  serveScripts
  whole='"script":"hello.js","config":{}'
  isRefused interval "{$whole,\"interval\":0}"
  isRefused interval "{$whole,\"interval\":-5}"
  isRefused interval "{$whole,\"interval\":\"abc\"}"
  isRefused "interval is missing" "{$whole}"
  isRefused init "{$whole,\"interval\":1000,\"init\":\"24/06/2022\"}"
  isRefused end "{$whole,\"interval\":1000,\"end\":\"2020-12-010T00:00:00Z\"}"
  isRefused "end is over" "{$whole,\"interval\":1000,\"init\":\"2020-01-01\",\"end\":\"2020-12-01\"}"
  isRefused "end must lie behind init" "{$whole,\"interval\":1000,\"init\":\"2099-01-01T00:00:00Z\",\"end\":\"2098-12-01\"}"
  isRefused script '{"config":{},"interval":1000}'
  isRefused script '{"script":"ftp://x/y.js","config":{},"interval":1000}'
  isRefused script '{"script":"../secret.js","config":{},"interval":1000}'
  isRefused config '{"script":"hello.js","interval":1000}'
  isRefused config '{"script":"hello.js","config":[1],"interval":1000}'
  isRefused id '{"id":"a/b","script":"hello.js","config":{},"interval":1000}'
  isRefused id '{"id":"..","script":"hello.js","config":{},"interval":1000}'
  isRefused running '{"running":"yes","script":"hello.js","config":{},"interval":1000}'
  isRefused intervall '{"intervall":1,"script":"hello.js","config":{},"interval":1000}'
  isRefused "cannot be read" '{"script":'
}

@test "what a task leaves out stands in the file beside its script" {
  serveScripts
  echo '{"init":"2026-06-01T00:00:00Z","end":"2099-06-01T00:00:00Z","interval":60000}' >"$scripts/hello.json"
  for script in hello.js "$at/hello.js"; do
    made '{"script":"'"$script"'","running":false,"config":{}}'
    [[ $(jq -c '[.init, .end, .interval]' <<<"$body") == '["2026-06-01T00:00:00Z","2099-06-01T00:00:00Z",60000]' ]]
  done
}

@test "the scripts are served to everybody, read-only, and nothing beside them" {
  serveScripts
  echo secret >"$BATS_TEST_TMPDIR/secret.js"
  ln -s ../secret.js "$scripts/link.js"
  mkdir "$scripts/more"
  echo 1 >"$scripts/more/inner.js"
  [[ $(curl -sS "$at/hello.js") == "$(<"$scripts/hello.js")" ]]
  [[ $(curl -sS "$at/more/inner.js") == 1 ]]
  for path in nope.js ../secret.js %2e%2e/secret.js link.js more .; do
    [[ $(curl -sS --path-as-is -o /dev/null -w '%{http_code}' "$at/$path") == 404 ]]
  done
  [[ $(curl -sS -o /dev/null -w '%{http_code}' -X PUT "$at/hello.js" -d x) == 401 ]]
  [[ $(curl -sS -o /dev/null -w '%{http_code}' "$url/api/v1/tasks") == 401 ]]
  [[ $(curl -sS -o /dev/null -w '%{http_code}' -H 'Host: example.com' "$at/hello.js") == 403 ]]
}

# runScript NAME [CONFIG]: its job's id.
runScript() { callsheet add --kind callsheet.script --params "{\"script\":\"$1\",\"config\":${2-"{}"}}"; }

@test "scripts in other languages take their configuration and give their result the same way" {
  serveScripts
  printf 'import sys\ndef main(config):\n    print("seen")\n    return {"n": config["n"] + 1}\n' >"$scripts/a.py"
  printf 'async def main(config):\n    return "later"\n' >"$scripts/b.py"
  # shellcheck disable=SC2016
  printf 'read -r config; echo "said $config"; printf "{\\"got\\":%%s}" "$config" >&3\n' >"$scripts/c.sh"
  printf '#!/bin/sh\ncat >&3\n' >"$scripts/any"
  chmod +x "$scripts/any"
  endsWith 0 callsheet wait "$(id=$(runScript a.py '{"n":1}'); echo "$id" >"$BATS_TEST_TMPDIR/a"; echo "$id")" --timeout 30
  [[ $(field "$(<"$BATS_TEST_TMPDIR/a")" .result.n) == 2 ]]
  for case in 'b.py {} "later"' 'c.sh {"x":1} {"got":{"x":1}}' 'any {"y":2} {"y":2}'; do
    read -r name config expected <<<"$case"
    id=$(runScript "$name" "$config")
    endsWith 0 callsheet wait "$id" --timeout 30
    [[ $(callsheet show --json "$id" | jq -c .result) == "$expected" ]]
    id=$(runScript "$at/$name" "$config")
    endsWith 0 callsheet wait "$id" --timeout 30
    [[ $(callsheet show --json "$id" | jq -c .result) == "$expected" ]]
  done
}

@test "a script without end is ended at its limit and delays nobody, and one that prints 100 MB or forks is held" {
  serveScripts --script-limit 2s --script-memory 64 --workers 2
  echo 'exports.main = () => { for (;;) {} }' >"$scripts/endless.js"
  echo 'exports.main = () => { const line = "x".repeat(1e6) + "\n"; for (let i = 0; i < 100; ++i) require("fs").writeSync(1, line); return "done" }' >"$scripts/loud.js"
  echo 'exports.main = () => { require("child_process").spawn("sleep", ["600"], { stdio: "ignore" }).unref(); return "forked" }' >"$scripts/fork.js"
  echo 'exports.main = () => { const all = []; for (;;) all.push(new Array(1e6).fill(1.5)) }' >"$scripts/hungry.js"
  endless=$(runScript endless.js)
  quick=$(runScript hello.js '{"agreementId":2}')
  endsWith 0 callsheet wait "$quick" --timeout 20
  loud=$(runScript loud.js)
  fork=$(runScript fork.js)
  endsWith 0 callsheet wait "$loud" "$fork" --timeout 40
  [[ $(field "$loud" .result) == "done" && $(field "$fork" .result) == forked ]]
  endsWith 124 callsheet wait "$endless" --timeout 40
  [[ $(field "$endless" .failure.type) == deadline ]]
  hungry=$(runScript hungry.js)
  endsWith 1 callsheet wait "$hungry" --timeout 40
}

@test "without Node a script for it fails with a sentence, and all else works" {
  mkdir "$BATS_TEST_TMPDIR/bin"
  for program in sh python3 cat; do ln -s "$(command -v $program)" "$BATS_TEST_TMPDIR/bin/$program"; done
  echo 'echo 1 >&3' >"$scripts/one.sh"
  serve --scripts "$scripts" --log-level info
  killPrincipal
  PATH="$BATS_TEST_TMPDIR/bin:$(dirname "$(command -v callsheet)")" serveWithout
  id=$(runScript hello.js)
  endsWith 1 callsheet wait "$id" --timeout 20
  [[ $(field "$id" .failure.message) == *"node is not installed"*nodejs* ]]
  id=$(runScript one.sh)
  endsWith 0 callsheet wait "$id" --timeout 20
}
serveWithout() {
  local command
  command=$(command -v callsheet)
  PATH=$PATH "$command" principal --scripts "$scripts" >"$BATS_TEST_TMPDIR/without.log" 2>&1 3>&- </dev/null &
  daemons+=($!)
}

@test "modules are found beside the script, and where the principal is told to" {
  mkdir -p "$scripts/node_modules/near" "$BATS_TEST_TMPDIR/modules/far"
  echo 'module.exports = "near"' >"$scripts/node_modules/near/index.js"
  echo 'module.exports = "far"' >"$BATS_TEST_TMPDIR/modules/far/index.js"
  echo 'exports.main = () => require("near") + require("far") + require("./hello.js").main({ agreementId: 1 })' >"$scripts/uses.js"
  echo 'exports.main = () => require("far")' >"$scripts/fetched.js"
  serveScripts --node-path "$BATS_TEST_TMPDIR/modules"
  id=$(runScript uses.js)
  endsWith 0 callsheet wait "$id" --timeout 20
  [[ $(field "$id" .result) == "nearfarhi 1" ]]
  id=$(runScript "$at/fetched.js")
  endsWith 0 callsheet wait "$id" --timeout 20
  [[ $(field "$id" .result) == far ]]
}

@test "a script goes on while its principal is killed, and the next one knows its result" {
  serveScripts
  # shellcheck disable=SC2016
  echo 'exports.main = async (c) => { const fs = require("fs"); fs.writeFileSync(c.at, "x"); while (!fs.existsSync(c.at + ".go")) await new Promise((r) => setTimeout(r, 20)); return "whole" }' >"$scripts/long.js"
  id=$(runScript long.js "{\"at\":\"$BATS_TEST_TMPDIR/began\"}")
  eventually test -e "$BATS_TEST_TMPDIR/began"
  killPrincipal
  touch "$BATS_TEST_TMPDIR/began.go"
  serveScripts
  endsWith 0 callsheet wait "$id" --timeout 20
  [[ $(field "$id" .result) == whole && $(field "$id" .attempt) == 1 ]]
}

@test "the director's own example runs with axios from npm, once it is made async" {
  command -v npm >/dev/null || skip "npm is not installed"
  npm install --prefix "$BATS_TEST_TMPDIR/npm" --no-fund --no-audit axios@1 >"$BATS_TEST_TMPDIR/npm.log" 2>&1 ||
    skip "npm cannot be reached here"
  serveScripts --node-path "$BATS_TEST_TMPDIR/npm/node_modules"
  echo '{"some": "JSON"}' >"$scripts/some.json"
  cat >"$scripts/example.js" <<'END'
"use strict";

const axios = require("axios");

module.exports.main = async (config) => {
    const requestURL = config.url;
    return JSON.stringify(WHAT(await axios.get(requestURL)));
}
END
  sed 's/WHAT//' "$scripts/example.js" >"$scripts/whole.js"
  sed 's/WHAT(\(.*\)))/(\1).data)/' "$scripts/example.js" >"$scripts/data.js"
  # As it stands it asks for the whole answer as JSON, which holds itself: what Node says of that is what the caller gets.
  made '{"id":"whole","script":"'"$at"'/whole.js","config":{"url":"'"$at"'/some.json"},'"$hourly"'}'
  tasks PUT /whole/run
  says 500 "Converting circular structure to JSON"
  made '{"id":"data","script":"'"$at"'/data.js","config":{"url":"'"$at"'/some.json"},'"$hourly"'}'
  tasks PUT /data/run
  [[ $code == 200 && $body == '{"some":"JSON"}' ]]
}
