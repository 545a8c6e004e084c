# When schedules fire.
load helper

@test "schedule next prints when a timing fires, in each of its forms, without a store" {
  at=(--from 2026-11-30T10:00:00Z)
  run callsheet schedule next '0 9 * * mon-fri' -n 2 "${at[@]}"
  [[ $output == $'2026-12-01T09:00:00.000Z\n2026-12-02T09:00:00.000Z' ]]
  run callsheet schedule next 'Sun *-12-* 09:00 Europe/Madrid' -n 1 "${at[@]}"
  [[ $output == 2026-12-06T08:00:00.000Z ]]
  run callsheet schedule next '{"time":["09:00"],"weekday":[7],"month":[12]}' -n 1 "${at[@]}"
  [[ $output == 2026-12-06T09:00:00.000Z ]]
  run callsheet schedule next 'every 4m' --within 10m "${at[@]}"
  [[ $output == $'2026-11-30T10:04:00.000Z\n2026-11-30T10:08:00.000Z' ]]
  [[ $(callsheet schedule next @daily -n 1 --json "${at[@]}" | jq -c '[.v, .next]') == '[1,["2026-12-01T00:00:00.000Z"]]' ]]
  [[ $(callsheet schedule next '* * * * *' | wc -l) == 10 ]]
  [[ ! -e $CALLSHEET_LOCATION/default.callsheet ]]
}

@test "what never fires is said, and what is no timing is refused in one sentence" {
  endsWith 0 callsheet schedule next '*-02-30 09:00'
  [[ -z $output && $stderr == *"it never fires"* ]]
  endsWith 3 callsheet schedule next
  saysOneSentence "there is no store"
  endsWith 4 callsheet schedule next '61 * * * *'
  saysOneSentence "minute '61'"
  endsWith 4 callsheet schedule next '* * * * * Mars/Olympus'
  saysOneSentence "Mars/Olympus"
  endsWith 4 callsheet schedule next '{"weekday":["Sun"]}'
  saysOneSentence "weekday"
}

# scheduleIs NAME FILTER VALUE: what jq's filter finds of it.
scheduleIs() { [[ $(callsheet schedule show "$1" --json | jq -r "$2") == "$3" ]]; }
hasFired() { (($(callsheet schedule show "$1" --json | jq .fired) >= $2)); }
# The occurrences of a schedule's jobs, in order.
occurrencesOf() { callsheet list --json --limit 1000 | jq -r --arg name "$1" '.jobs[] | select(.schedule == $name) | .occurrence'; }

@test "a schedule of a command runs it at each of its times, and says to it for which" {
  startPrincipal
  # shellcheck disable=SC2016
  callsheet schedule add tick 'every 300ms' -- sh -c 'echo "$CALLSHEET_SCHEDULE $CALLSHEET_OCCURRENCE" >>"$0"' "$BATS_TEST_TMPDIR/ticks"
  eventually hasFired tick 5
  callsheet schedule rm tick
  endsWith 3 callsheet schedule show tick
  saysOneSentence "there is no schedule 'tick'"
  [[ $(occurrencesOf tick | sort | uniq -d) == "" ]]
  eventually test "$(occurrencesOf tick | wc -l)" == "$(sort -u "$BATS_TEST_TMPDIR/ticks" | wc -l)"
  while read -r name occurrence; do
    [[ $name == tick ]]
    occurrencesOf tick | grep -qFx "$occurrence"
  done <"$BATS_TEST_TMPDIR/ticks"
}

@test "a schedule is added without a daemon, shown, and fires when a principal comes" {
  endsWith 0 callsheet schedule add report 'every 1h from 2026-01-01T00:00:00Z' --jitter 5s --label team=night -- /bin/true
  [[ $output == *"schedule    report"*"timing      every 1h from 2026-01-01T00:00:00Z"*"work        /bin/true"*"jitter      up to 5s"* ]]
  scheduleIs report '[.v, .state, .timing.kind, .timing.intervalMs, .job.labels.team, .overlap] | @csv' '1,"waiting","interval",3600000,"night","forbid"'
  run callsheet schedule list
  [[ ${lines[0]} =~ ^SCHEDULE\ +STATE\ +NEXT\ +LAST\ +FIRED\ +SKIPPED\ +TIMING ]]
  [[ ${lines[1]} =~ ^report\ +waiting\ +2.*:00:00Z\ +-\ +0\ +0\ +every\ 1h ]]
  run callsheet schedule why report
  [[ $output == *"has not fired yet"*"as 'every 1h from 2026-01-01T00:00:00Z' says, in "*"no principal is running"* ]]
  endsWith 75 callsheet schedule add report 'every 2h' -- /bin/true
  saysOneSentence "--replace"
  callsheet schedule add report "$(date -u -d '+1 second' +%FT%TZ)" --replace -- /bin/true
  startPrincipal
  eventually hasFired report 1
  scheduleIs report .state over
  [[ $(callsheet schedule why report) == *"its job "*"will not come"* ]]
}

@test "a firing that meets a job of the one before is skipped and says so, or replaces it" {
  callsheet schedule add slow 'every 200ms' -- "${endless[@]}"
  callsheet schedule add newest 'every 200ms' --overlap replace -- "${endless[@]}"
  startPrincipal
  skippedSome() { (($(callsheet schedule show slow --json | jq .skipped) >= 3)); }
  eventually skippedSome
  scheduleIs slow .fired 1
  scheduleIs slow '.skips[0].why' overlap
  scheduleIs slow '.skips[0].because == .lastJob' true
  [[ $(callsheet schedule why slow) == *"were skipped: job "*" had not ended"* ]]
  eventually hasFired newest 3
  replaced() { (($(callsheet list --json --state done | jq '[.jobs[] | select(.outcome == "canceled")] | length') >= 2)); }
  eventually replaced
  callsheet schedule rm slow
  callsheet schedule rm newest
  callsheet cancel $(callsheet list --json --state in-progress --state ready --state waiting | jq -r '.jobs[].id')
}

@test "what was missed while no principal lived is made up for as the schedule says, and no instant runs twice" {
  startPrincipal
  for missed in skip once all:5; do
    callsheet schedule add "${missed%%:*}" 'every 200ms' --missed "$missed" --start-deadline 100ms --overlap allow -- /bin/true
  done
  eventually hasFired all 2
  kill -KILL "$daemon"
  eventually hasEnded "$daemon"
  read -rt 2 <> <(:) || true
  startPrincipal
  before=$(callsheet schedule show all --json | jq .fired)
  eventually hasFired all $((before + 2))
  for name in skip once all; do
    scheduleIs "$name" '.skips | map(.why) | unique | join(" ")' missed
    [[ $(occurrencesOf "$name" | sort | uniq -d) == "" ]]
  done
  (($(callsheet schedule show all --json | jq .fired) > $(callsheet schedule show once --json | jq .fired)))
  for name in skip once all; do callsheet schedule rm "$name"; done
}

@test "pause, resume, run-now and reset do what they say" {
  startPrincipal
  callsheet schedule add tick 'every 200ms' --paused -- /bin/true
  id=$(callsheet schedule run-now tick)
  endsWith 0 callsheet wait "$id" --timeout 20
  fieldIs "$id" .schedule tick
  scheduleIs tick '[.state, .fired] | @csv' '"paused",0'
  [[ $(callsheet schedule why tick) == *"is paused; \`callsheet schedule resume tick\`"* ]]
  callsheet schedule resume tick
  eventually hasFired tick 2
  callsheet schedule pause tick
  fired=$(callsheet schedule show tick --json | jq .fired)
  generation=$(callsheet schedule show tick --json | jq -r .generation)
  callsheet schedule reset tick
  [[ $(callsheet schedule show tick --json | jq -r .generation) != "$generation" ]]
  scheduleIs tick .fired "$fired"
}

@test "what the store's schedules fire next is listed in order, within a time" {
  callsheet schedule add hourly 'every 1h' -- /bin/true
  callsheet schedule add often 'every 4m' -- /bin/true
  callsheet schedule add off 'every 1m' --paused -- /bin/true
  [[ $(callsheet schedule next --within 10m | sed 's/.*  //' | tr '\n' ' ') == "often often " ]]
  [[ $(callsheet schedule next -n 20 --json | jq -r '[.next[].schedule] | join(" ")') == "often often often often often often often often often often often often often often often hourly often often often often" ||
    $(callsheet schedule next -n 20 --json | jq -r '[.next[].schedule] | index("hourly")') == 14 ]]
  callsheet schedule rm often
  endsWith 0 callsheet schedule next --within 10m
  [[ -z $output && $stderr == *"no schedule fires so soon"* ]]
}

@test "what schedule is not given, or given wrongly, it says in one sentence, and stores nothing" {
  endsWith 2 callsheet schedule add
  endsWith 2 callsheet schedule add tick
  saysOneSentence "say when"
  endsWith 2 callsheet schedule add tick 'every 1s'
  saysOneSentence "say what to run: callsheet schedule add NAME SPEC -- COMMAND"
  endsWith 4 callsheet schedule add tick 'every now and then' -- true
  endsWith 4 callsheet schedule add ../x 'every 1s' -- true
  saysOneSentence "not a schedule's name"
  endsWith 4 callsheet schedule add tick 2020-01-01T00:00:00Z -- true
  saysOneSentence "that time is over"
  endsWith 2 callsheet schedule add tick 'every 1s' --missed sometimes -- true
  endsWith 2 callsheet schedule add tick 'every 1s' --missed once:3 -- true
  endsWith 2 callsheet schedule add tick 'every 1s' --overlap maybe -- true
  endsWith 2 callsheet schedule list tick
  endsWith 2 callsheet schedule pause tick --jitter 3s
  saysOneSentence "callsheet schedule add"
  endsWith 2 callsheet schedule pause tick -n 3
  [[ $(callsheet schedule list --json 2>/dev/null | jq '.schedules | length') -eq 0 ]]
}
