# Adding jobs: without a daemon, durable, with all its options.
load helper

@test "add works with no daemon running and prints the id" {
  endsWith 0 callsheet add -- true
  [[ $output =~ ^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$ ]]
  [[ -z $stderr ]]
  [[ $(field "$output" .state) == ready ]]
}

@test "add makes the store for its user alone" {
  callsheet --location "$BATS_TEST_TMPDIR/new/place" add -- true
  [[ $(stat -c %a "$BATS_TEST_TMPDIR/new/place/default.callsheet") == 700 ]]
}

@test "two ids in one location are two stores" {
  callsheet add -- true
  callsheet --id other add -- true
  CALLSHEET_ID=other callsheet add -- true
  [[ $(callsheet list --json | jq '.jobs | length') == 1 ]]
  [[ $(callsheet list --json --id other | jq '.jobs | length') == 2 ]]
}

@test "a job that was added with no daemon running is done by the principal that starts later" {
  id=$(callsheet add -- sh -c 'echo hello; exit 7')
  startPrincipal
  endsWith 7 callsheet wait "$id" --timeout 20
  [[ $(callsheet log --output "$id") == hello ]]
}

@test "a command's arguments reach it as they were typed" {
  startPrincipal
  id=$(callsheet add -- printf '<%s>' '[a,b]' '' -- '--json' 'two words' "it's" '{}' $'line\nbreak')
  endsWith 0 callsheet wait "$id" --timeout 20
  [[ $(callsheet log --output "$id") == $'<[a,b]><><--><--json><two words><it\'s><{}><line\nbreak>' ]]
}

@test "a command runs where it was added, or where --cwd says, with the variables of --env" {
  startPrincipal
  mkdir "$BATS_TEST_TMPDIR/here"
  cd "$BATS_TEST_TMPDIR/here"
  id=$(callsheet add --env GREETING='hello = world' --env OTHER= -- sh -c 'pwd; echo "$GREETING$OTHER"')
  callsheet wait "$id" --timeout 20
  [[ $(callsheet log --output "$id") == "$BATS_TEST_TMPDIR/here"$'\n''hello = world' ]]
  id=$(callsheet add --cwd / -- pwd)
  callsheet wait "$id" --timeout 20
  [[ $(callsheet log --output "$id") == / ]]
}

@test "a command reads nothing from the daemon's input and inherits only the lock of its attempt" {
  startPrincipal
  id=$(callsheet add -- sh -c 'cat; ls -l /proc/self/fd | sed -n "s/.* -> //p"')
  callsheet wait "$id" --timeout 20
  run callsheet log --output "$id"
  [[ $output == */dev/null* ]]
  [[ $(grep -c "$CALLSHEET_LOCATION" <<<"$output") == 1 ]]
  [[ $output == *default.callsheet/tasks/* ]]
}

@test "a delayed job waits until it is due and runs then" {
  startPrincipal
  far=$(callsheet add --delay 1h -- true)
  near=$(callsheet add --delay 300ms -- true)
  at=$(callsheet add --at 2001-01-01T00:00:00Z -- true)
  endsWith 0 callsheet wait "$near" "$at" --timeout 20
  [[ $(field "$far" '.state + "/" + .waitingFor') == waiting/due ]]
  [[ $(field "$far" .wakeAt) > $(field "$far" .createdAt) ]]
  # Never before its time.
  [[ $(field "$near" '.log[1].at') > $(field "$near" '.log[0].timer') || $(field "$near" '.log[1].at') == $(field "$near" '.log[0].timer') ]]
}

@test "a time is said by the clock of this machine too" {
  # wakesAt ID: by that clock, as the day of the week, and the time.
  wakesAt() { date -d "$(field "$1" .wakeAt)" '+%F %T'; }
  for zone in UTC Pacific/Auckland America/New_York; do
    export TZ=$zone
    [[ $(wakesAt "$(callsheet add --delay 'tomorrow 10:30' -- true)") == "$(date -d 'tomorrow' +%F) 10:30:00" ]]
    [[ $(wakesAt "$(callsheet add --at tomorrow -- true)") == "$(date -d 'tomorrow' +%F) 00:00:00" ]]
    # The next time that the clock shows this, and the next such day.
    for clock in 0:00 12:34:56 23:59; do
      at=$(date -d "today $clock" +%s)
      if ((at <= $(date +%s))); then at=$(date -d "tomorrow $clock" +%s); fi
      [[ $(wakesAt "$(callsheet add --at $clock -- true)") == "$(date -d "@$at" '+%F %T')" ]]
    done
    [[ $(date -d "$(field "$(callsheet add --at 'Mon 6:00' -- true)" .wakeAt)" '+%a %T') == "Mon 06:00:00" ]]
  done
  unset TZ
  for wrong in "tomorrow 25:00" "10:61" "someday" "today" "10:30 tomorrow" "tomorrow 10:30 sharp"; do
    endsWith 4 callsheet add --at "$wrong" -- true
    saysOneSentence "--at: "
    endsWith 4 callsheet add --delay "$wrong" -- true
    saysOneSentence "--delay: "
  done
}

@test "a job of higher priority is handed out first" {
  low=$(callsheet add -- true)
  high=$(callsheet add --priority 10 -- true)
  startPrincipal --workers 1
  callsheet wait "$low" "$high" --timeout 20
  [[ $(field "$high" .startedAt) < $(field "$low" .startedAt) || $(field "$high" .startedAt) == $(field "$low" .startedAt) ]]
  [[ $(field "$high" .finishedAt) < $(field "$low" .startedAt) || $(field "$high" .finishedAt) == $(field "$low" .startedAt) ]]
}

@test "a known key answers with the job that it stands for, and nothing is added" {
  id=$(callsheet add --key report/42 -- true)
  endsWith 0 callsheet add --key report/42 -- true
  [[ $output == "$id" ]]
  saysOneSentence "stands for this job already"
  [[ $(callsheet add --key report/42 --json -- true | jq -r .outcome) == duplicate ]]
  [[ $(callsheet add --key report/43 --json -- true | jq -r .outcome) == accepted ]]
  [[ $(callsheet list --json | jq '.jobs | length') == 2 ]]
  [[ $(field "$id" .key) == report/42 ]]
}

@test "a key without a window is free again when its job is done" {
  startPrincipal
  id=$(callsheet add --key once --key-window 0 -- true)
  callsheet wait "$id" --timeout 20
  [[ $(callsheet add --key once --key-window 0 -- true) != "$id" ]]
}

@test "a key counts as long as its done job is kept, and for the time that --key-window says" {
  startPrincipal
  kept=$(callsheet add --key kept -- true)
  short=$(callsheet add --key short --key-window 1ms -- true)
  callsheet wait "$kept" "$short" --timeout 20
  [[ $(callsheet add --key kept -- true) == "$kept" ]]
  [[ $(callsheet add --key short -- true) != "$short" ]]
  [[ $(callsheet show "$kept") == *"kept until retention removes the job"* ]]
  [[ $(field "$kept" .keyUntil) == null && $(field "$short" .keyUntil) != null ]]
}

@test "a failing command is tried again as often as --retries says" {
  startPrincipal
  counter=$BATS_TEST_TMPDIR/counter
  id=$(callsheet add --retries 2 --retry-delay 10ms -- sh -c 'echo x >>"$0"; exit 4' "$counter")
  endsWith 4 callsheet wait "$id" --timeout 20
  [[ $(wc -l <"$counter") == 3 ]]
  [[ $(field "$id" .failures) == 3 ]]
  id=$(callsheet add --retries 5 --retry-delay 10ms -- sh -c 'test -e "$0" || { touch "$0"; exit 4; }' "$BATS_TEST_TMPDIR/second")
  endsWith 0 callsheet wait "$id" --timeout 20
  [[ $(field "$id" .started) == 2 ]]
}

@test "an attempt that takes longer than --limit is ended and fails" {
  startPrincipal
  id=$(callsheet add --limit 200ms -- "${endless[@]}")
  endsWith 124 callsheet wait "$id" --timeout 20
  [[ $(field "$id" .outcome) == failed ]]
  eventually test -z "$(livingEndlessPids)"
}

@test "an assistant alone keeps --limit though there is no principal" {
  startAssistant worker
  id=$(callsheet add --to worker --limit 200ms -- "${endless[@]}")
  endsWith 124 callsheet wait "$id" --timeout 20
  [[ $(field "$id" .outcome) == failed ]]
  noneLives() { [[ -z $(livingEndlessPids) ]]; }
  eventually noneLives
}

@test "labels, queue and priority are kept, and list shows jobs by label and queue" {
  one=$(callsheet add --label team=blue --label urgent=yes --queue nightly --priority -3 -- true)
  two=$(callsheet add --label team=red -- true)
  [[ $(callsheet list --label team=blue --json | jq -r '.jobs[].id') == "$one" ]]
  [[ $(callsheet list --label team --json | jq '.jobs | length') == 2 ]]
  [[ $(callsheet list --queue default --json | jq -r '.jobs[].id') == "$two" ]]
  [[ $(field "$one" '.labels.urgent + .queue + (.priority | tostring)') == yesnightly-3 ]]
}

@test "a job of any kind can be added with its parameters" {
  id=$(callsheet add --kind reports/monthly --params '{"month": 3, "names": ["a", null]}')
  [[ $(field "$id" '.parameters | tojson') == '{"month":3,"names":["a",null]}' ]]
  id=$(echo '[1,2]' | callsheet add --kind reports/monthly --params-file -)
  [[ $(field "$id" '.parameters | tojson') == '[1,2]' ]]
  printf '"%0100000d"' 7 >"$BATS_TEST_TMPDIR/params"
  id=$(callsheet add --kind reports/monthly --params-file "$BATS_TEST_TMPDIR/params")
  [[ $(field "$id" '.parameters | length') == 100000 ]]
}

@test "a job of a kind that nobody knows stays ready and is listed as unclaimable" {
  startPrincipal
  id=$(callsheet add --kind nobody/knows-this)
  known=$(callsheet add -- true)
  callsheet wait "$known" --timeout 20
  [[ $(field "$id" '.state, .unclaimable' | xargs) == "ready true" ]]
  [[ $(callsheet list --unclaimable --json | jq -r '.jobs[].id') == "$id" ]]
}

@test "--to puts a job into a living assistant's queue" {
  startAssistant thumbs
  id=$(callsheet add --to thumbs -- true)
  endsWith 0 callsheet wait "$id" --timeout 20
  [[ $(field "$id" '.log[] | select(.move == "claim") | .actor') == thumbs ]]
}
