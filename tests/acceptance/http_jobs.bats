# Jobs that make an HTTP request: retries, time-outs, streams, limits and secrets.
load helper
load http_helper

setup() {
  callsheetSetup
  farSide
}

@test "an answer is the job's result: JSON as it is, a text as a text, nothing as null" {
  startPrincipal
  id=$(callJob ok)
  ends 0 "$id"
  [[ $(field "$id" '.result | tojson') == '{"ok":true}' ]]
  [[ $(requests /ok '[.method, .headers["idempotency-key"]]') == "[\"GET\",\"$id\"]" ]]
  id=$(callJob text)
  ends 0 "$id"
  [[ $(field "$id" .result) == $'hello\nworld' ]]
  id=$(callJob echo '"body":{"b":1,"a":[2]},"headers":{"X-Mine":"yes"}')
  ends 0 "$id"
  [[ $(field "$id" '.result | tojson') == '{"method":"POST","body":"{\"b\":1,\"a\":[2]}"}' ]]
  [[ $(requests /echo '[.headers["content-type"], .headers["x-mine"]]') == '["application/json","yes"]' ]]
  id=$(callJob echo-2 '"method":"PUT","text":"plain"')
  ends 0 "$id"
  [[ $(field "$id" '.result | tojson') == '{"method":"PUT","body":"plain"}' ]]
  id=$(callJob redirect '"body":{}')
  ends 0 "$id"
  [[ $(field "$id" .result.method) == GET ]]
}

@test "500 twice and then 200 are three requests two and four seconds apart, and one success" {
  startPrincipal
  id=$(callJob flaky)
  ends 0 "$id"
  [[ $(field "$id" .result) == "at last" && $(field "$id" .attempt) == 3 ]]
  mapfile -t at < <(requests /flaky)
  [[ ${#at[@]} == 3 ]]
  jq -en "(${at[1]} - ${at[0]}) as \$a | (${at[2]} - ${at[1]}) as \$b | \$a > 1.8 and \$a < 3.5 and \$b > 3.6 and \$b < 6"
  [[ $(requests /flaky '.headers["idempotency-key"]' | sort -u | wc -l) == 1 ]]
}

@test "500 always is three requests and a failure that keeps the status and an excerpt" {
  startPrincipal
  delay=100ms
  id=$(callJob broken)
  ends 1 "$id"
  [[ $(requestCount /broken) == 3 ]]
  [[ $(field "$id" .failure.message) == "the answer was 500: it is broken" ]]
  [[ $(field "$id" '.result | tojson') == '{"status":500,"body":"it is broken"}' ]]
}

@test "429 waits as long as it is told to, and another 4xx is final at once" {
  startPrincipal
  delay=100ms
  busy=$(callJob busy)
  missing=$(callJob missing)
  ends 1 "$missing"
  [[ $(requestCount /missing) == 1 && $(field "$missing" .failure.message) == *"404: no such flow"* ]]
  ends 0 "$busy"
  mapfile -t at < <(requests /busy)
  jq -en "${at[1]} - ${at[0]} > 3.8"
}

@test "a far side that refuses, is silent or stands still in its stream is tried again, and the reason says which" {
  startPrincipal
  delay=100ms
  id=$(callsheet add --kind callsheet.http --params '{"url":"http://127.0.0.1:9/x"}')
  ends 1 "$id"
  [[ $(field "$id" .failure.message) == *"connect"* ]]
  silent=$(callJob silent '"idleTimeout":1500')
  stuck=$(callJob stuck '"idleTimeout":1000')
  slow=$(callJob slow '"totalTimeout":1000')
  ends 0 "$silent"
  [[ $(field "$silent" '[.result, .failures] | tojson') == '["spoke",1]' ]]
  ends 1 "$stuck"
  [[ $(requestCount /stuck) == 3 && $(field "$stuck" .failure.message) == "nothing came for 1000 ms" ]]
  ends 1 "$slow"
  [[ $(field "$slow" .failure.message) == *"timed out"* ]]
  # What trickles is no silence.
  id=$(callJob trickle '"idleTimeout":1000')
  ends 0 "$id"
}

@test "a stream is readable while it runs, piece by piece, and its outputs are the result" {
  startPrincipal
  id=$(callJob stream '"body":{}')
  shows() { [[ $(callsheet log --output "$id" 2>/dev/null) == *"[generation poem begins]"*"röd is"* ]]; }
  waitUntil 10 shows
  hasState "$id" in-progress
  ends 0 "$id"
  [[ $(field "$id" .result.poem) == "röd is the 日本 sun" ]]
  [[ $(callsheet log --output "$id") == *"röd is the 日本 sun"*"[generation poem ends: done]"*"[outputs]"* ]]
  for path in events noise; do
    id=$(callJob $path)
    ends 0 "$id"
    [[ $(field "$id" .result.poem) == "röd is the 日本 sun" ]]
  done
  [[ $(callsheet log --output "$id") == *"[no JSON: this is no json]"* ]]
}

@test "a stream that is cut is a failed attempt, and never mixes with the next one" {
  startPrincipal
  delay=100ms
  id=$(callJob cut)
  ends 0 "$id"
  [[ $(field "$id" '[.result.poem, .failures] | tojson') == '["röd is the 日本 sun",1]' ]]
  [[ $(callsheet log --output "$id" | grep -c 'generation poem begins') == 1 ]]
}

@test "a line or a body over its limit, a loop and another protocol fail at once, and memory stays small" {
  startPrincipal
  for path in hugeline hugebody loop; do
    id=$(callJob $path)
    ends 1 "$id"
    [[ $(field "$id" .attempt) == 1 ]]
  done
  for url in file:///etc/passwd ftp://127.0.0.1/x gopher://x; do
    id=$(callsheet add --kind callsheet.http --params "{\"url\":\"$url\"}")
    ends 1 "$id"
    [[ $(field "$id" .failure.message) == "url must begin with http:// or https://" ]]
  done
  (($(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$daemon/status") < 256 * 1024))
}

@test "secrets are looked up when the request is made, and stand in no file of the store" {
  FLOW_KEY=very-secret-42 startPrincipal
  echo file-secret-43 >"$BATS_TEST_TMPDIR/key"
  # shellcheck disable=SC2016
  id=$(callJob ok-secret '"headers":{"Authorization":"Bearer ${env:FLOW_KEY}"},"body":{"k":"${file:'"$BATS_TEST_TMPDIR"'/key}"}')
  ends 0 "$id"
  [[ $(requests /ok-secret '[.headers.authorization, .body]') == '["Bearer very-secret-42","{\"k\":\"file-secret-43\"}"]' ]]
  [[ $(grep -rlE 'very-secret-42|file-secret-43' "$CALLSHEET_LOCATION" "$BATS_TEST_TMPDIR"/daemon.* || true) == "" ]]
  [[ $(callsheet show --json "$id" && callsheet show "$id" && callsheet log "$id") != *secret-4* ]]
  # shellcheck disable=SC2016
  id=$(callJob ok-none '"headers":{"Authorization":"Bearer ${env:NOBODY_SET_THIS}"}')
  ends 1 "$id"
  [[ $(field "$id" .failure.message) == "missing NOBODY_SET_THIS" && $(requestCount /ok-none) == 0 ]]
  # What is no file may never come to its end.
  mkfifo "$BATS_TEST_TMPDIR/pipe"
  for path in "$BATS_TEST_TMPDIR/pipe" /dev/zero "$BATS_TEST_TMPDIR"; do
    id=$(callJob ok-none "\"headers\":{\"X\":\"\${file:$path}\"}")
    ends 1 "$id"
    [[ $(field "$id" .failure.message) == "$path is no file" && $(requestCount /ok-none) == 0 ]]
  done
}

@test "what is canceled ends, and a principal that is killed makes the request again under the same key" {
  startPrincipal
  id=$(callJob silent-1)
  eventually hasAsked /silent-1 1
  callsheet cancel "$id"
  ends 125 "$id"
  id=$(callJob silent-2)
  eventually hasAsked /silent-2 1
  kill -KILL "$daemon"
  eventually hasEnded "$daemon"
  startPrincipal
  ends 0 "$id"
  [[ $(field "$id" .result) == spoke ]]
  [[ $(requests /silent-2 '.headers["idempotency-key"]' | sort -u) == "\"$id\"" ]]
}

# withoutLibrary NAME COMMAND...: with one of that name which is there and cannot be loaded.
withoutLibrary() {
  local place=$BATS_TEST_TMPDIR/no-$1 file
  file=$(ldconfig -p | sed -n "s/^\s*\($1\.so\.[0-9]*\) .*/\1/p" | head -n 1)
  mkdir -p "$place"
  echo "no library" >"$place/$file"
  LD_LIBRARY_PATH=$place "${@:2}"
}

@test "only who speaks HTTP loads its libraries, and where one is missing it is named" {
  PATH=$PATH:/sbin:/usr/sbin
  endsWith 0 withoutLibrary libcurl callsheet add -- true
  id=$output
  endsWith 0 withoutLibrary libmicrohttpd callsheet list
  endsWith 78 withoutLibrary libmicrohttpd callsheet principal
  [[ ${stderr##*$'\n'} == "callsheet: libmicrohttpd.so."*"cannot be loaded"* ]]
  withoutLibrary libcurl startPrincipal
  ends 0 "$id"
  id=$(delay=1ms callJob ok)
  ends 1 "$id"
  [[ $(field "$id" .failure.message) == "libcurl.so."*"cannot be loaded"* && $(requestCount /ok) == 0 ]]
}
