# A folder of events: APIs that are called by calendar.
load helper
load http_helper

setup() {
  callsheetSetup
  farSide
  events=$BATS_TEST_TMPDIR/Events
  mkdir "$events"
  export WORDWARE_API_KEY=k1
}

# event NAME PATH [SCHEDULE]: an event's text, with no schedule where none is given.
event() {
  printf '{"name":"%s","flow":{"input":{"webhook_url":"https://discord.com/api/webhooks/...","message":"GM!"},"version":"^1.0","api":"%s/%s"}%s}' \
    "$1" "$far" "$2" "${3:+,\"schedule\":$3}"
}
hasSchedule() { callsheet schedule show "$1" >/dev/null 2>&1; }
hasNoSchedule() { ! hasSchedule "$1"; }
eventSaid() { daemonSaid "$daemon" "$1"; }

@test "an event without a schedule calls its flow once, also over a restart and after a change" {
  event greeting ok >"$events/greeting.json"
  startPrincipal --events "$events"
  eventually hasAsked /ok 1
  [[ $(requests /ok '[.method, .headers.authorization, .headers["content-type"], .body]') == \
    '["POST","Bearer k1","application/json","{\"inputs\":{\"webhook_url\":\"https://discord.com/api/webhooks/...\",\"message\":\"GM!\"},\"version\":\"^1.0\"}"]' ]]
  event greeting ok | sed 's/GM!/Hello/' >"$events/greeting.json"
  eventually eventSaid "event 'greeting' was changed"
  kill "$daemon"
  eventually hasEnded "$daemon"
  startPrincipal --events "$events"
  endsWith 0 callsheet wait "$(callsheet add -- true)" --timeout 20
  [[ $(requestCount /ok) == 1 ]]
  [[ $(callsheet schedule show greeting --json | jq -r '[.state, .fired, .keeper] | @csv') == '"over",1,"events"' ]]
}

@test "an event is stored with its calendar, and fires when that says" {
  event morning ok '{"time":["09:00"],"weekday":[7],"day":[],"month":[12]}' >"$events/morning.json"
  mkdir -p "$events/deep/er"
  event always ok-always '{"time":[]}' >"$events/deep/er/always.json"
  event madrid ok '{"time":["02:30"],"timezone":"Europe/Madrid"}' >"$events/madrid.json"
  startPrincipal --events "$events"
  eventually hasSchedule always
  next=$(callsheet schedule show morning --json | jq -r .next)
  [[ $(date -u -d "$next" +'%u %m %H:%M:%S') == "7 12 09:00:00" ]]
  [[ $(callsheet schedule show always --json | jq -r .next) == *:00.000Z ]]
  [[ $(callsheet schedule next --within 10m -n 100 | grep -c always) -ge 9 ]]
  callsheet schedule show morning --json | jq -e '.job.parameters.headers.Authorization == "Bearer ${env:WORDWARE_API_KEY}"'
  # Nobody but the folder changes it.
  endsWith 75 callsheet schedule add morning 'every 1s' --replace -- true
  saysOneSentence "schedule 'morning' is kept by 'events'"
  [[ $(curl -s --unix-socket "$CALLSHEET_LOCATION/default.callsheet/api.sock" -X PUT http://localhost/v1/schedules/morning \
    -d '{"spec":"every 1s","job":{"kind":"k"}}' | jq -r .error.type) == schedule/conflict ]]
}

@test "files that are added, changed and removed are followed, and half-written ones change nothing" {
  event one ok '{"time":["09:00"]}' >"$events/one.json"
  startPrincipal --events "$events"
  eventually hasSchedule one
  event two ok '{"time":["10:00"]}' >"$events/two.json"
  waitUntil 4 hasSchedule two
  event one ok '{"time":["11:30"]}' >"$events/one.json"
  moved() { [[ $(callsheet schedule show one --json | jq -r .next) == *T11:30:00.000Z ]]; }
  waitUntil 4 moved
  event one ok '{"time":["12:30"]}' | head -c 60 >"$events/one.json"
  eventually eventSaid "event file one.json is passed over"
  moved
  rm "$events/two.json"
  waitUntil 4 hasNoSchedule two
  moved
  rm "$events/one.json"
  waitUntil 4 hasNoSchedule one
}

@test "an invalid file is told of with its reason, by the principal and by events check, and stops no other" {
  good='{"time":["9:00"]}'
  event good ok "$good" >"$events/good.json"
  echo '{' >"$events/a-syntax.json"
  event "" ok "$good" >"$events/b-noname.json"
  event good ok "$good" >"$events/zz-twice.json"
  echo '{"name":"x"}' >"$events/c-noflow.json"
  event x ok "$good" | sed 's#http://#ftp://#' >"$events/d-api.json"
  event x ok '{"time":["25:00"]}' >"$events/e-time.json"
  event x ok '{"time":["0900"]}' >"$events/f-time.json"
  event x ok '{"month":[13]}' >"$events/g-month.json"
  event x ok '{"day":[32]}' >"$events/h-day.json"
  event x ok '{"weekday":["Sun"]}' >"$events/i-weekday.json"
  event x ok '"daily"' >"$events/j-schedule.json"
  event never ok '{"day":[30],"month":[2]}' >"$events/never.json"
  endsWith 1 callsheet events check "$events"
  for reason in "b-noname.json *- *an event needs a text 'name'" "c-noflow.json .*neither flow nor pipeline" "d-api.json .*http" \
    "e-time.json .*09:00" "g-month.json .*month" "h-day.json .*day" "i-weekday.json .*weekday" "j-schedule.json .*object" \
    "zz-twice.json .*already, in good.json" "good.json *good *2.*T09:00:00" "never.json *never *never fires"; do
    grep -q "^$reason" <<<"$output" || { echo "$reason is not in: $output"; return 1; }
  done
  callsheet events check "$events" --json | jq -e '.v == 1 and ([.events[] | select(.error == null)] | length) == 2' ||
    [[ $? == 0 ]]
  startPrincipal --events "$events"
  eventually hasSchedule good
  eventually eventSaid "event file a-syntax.json is passed over"
  eventually eventSaid "event 'never' is new; it never fires"
  [[ $(callsheet schedule list --json | jq '.schedules | length') == 2 ]]
}

@test "a missing key fails the job without a request, and another name for it may be given" {
  unset WORDWARE_API_KEY
  event keyless ok-keyless >"$events/keyless.json"
  event other ok-other | sed 's/^{/{"apiKeyEnv":"OTHER_KEY",/' >"$events/other.json"
  OTHER_KEY=k2 startPrincipal --events "$events"
  eventually hasAsked /ok-other 1
  [[ $(requests /ok-other .headers.authorization) == '"Bearer k2"' ]]
  failedID() { callsheet list --json --state done | jq -r '.jobs[] | select(.outcome == "failed") | .id'; }
  hasFailed() { [[ $(failedID) ]]; }
  eventually hasFailed
  id=$(failedID)
  [[ $(field "$id" .failure.message) == "missing WORDWARE_API_KEY" && $(requestCount /ok-keyless) == 0 ]]
}

@test "a thousand events and a hundred open streams take less than 512 MiB" {
  for ((i = 0; i < 900; i++)); do event "daily-$i" ok '{"time":["09:00"]}' >"$events/daily-$i.json"; done
  for ((i = 0; i < 100; i++)); do event "now-$i" "open-$i" >"$events/now-$i.json"; done
  startPrincipal --events "$events"
  allOpen() { (($(jq -c 'select(.path | startswith("/open"))' "$asked" | wc -l) >= 100)); }
  waitUntil 60 allOpen
  (($(callsheet list --json --state in-progress --limit 200 | jq '.jobs | length') == 100))
  kib=$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$daemon/status")
  ((kib < 512 * 1024))
  # One loop carries them all out.
  threads=$(sed -n 's/^Threads:[[:space:]]*//p' "/proc/$daemon/status")
  ((threads < 20))
  echo "# $((kib / 1024)) MiB, $threads threads" >&3
  kill "$daemon"
  eventually hasEnded "$daemon"
}
