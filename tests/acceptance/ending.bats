# How jobs end: wait and its exit codes, cancel, retry and restart, clean.
load helper

@test "wait exits with the job's own code" {
  startPrincipal
  for code in 0 1 3 42 255; do
    endsWith "$code" callsheet wait "$(callsheet add -- sh -c "exit $code")" --timeout 20
  done
}

@test "wait exits with 128 plus the signal that ended the command" {
  startPrincipal
  endsWith 143 callsheet wait "$(callsheet add -- sh -c 'kill -TERM $$')" --timeout 20
  endsWith 137 callsheet wait "$(callsheet add -- sh -c 'kill -KILL $$')" --timeout 20
}

@test "wait for several jobs waits for all and exits with the first code that is not 0" {
  startPrincipal
  ok=$(callsheet add -- true)
  five=$(callsheet add -- sh -c 'exit 5')
  six=$(callsheet add -- sh -c 'exit 6')
  endsWith 5 callsheet wait "$ok" "$five" "$six" --timeout 20
  endsWith 6 callsheet wait "$ok" "$six" "$five" --timeout 20
  endsWith 0 callsheet wait "$ok" "$ok" --timeout 20
}

@test "wait exits with 124 when the time is over" {
  id=$(callsheet add -- true)
  endsWith 124 callsheet wait "$id" --timeout 50ms
  endsWith 124 callsheet wait "$id" --timeout 0
  [[ $(callsheet wait "$id" --timeout 0 --json | jq -c '[.timedOut, .exitCode]') == '[true,124]' ]]
}

@test "wait ends by a signal and leaves nothing behind" {
  id=$(callsheet add -- true)
  daemon wait "$id"
  waiter=$daemon
  eventually isRunning "$waiter"
  # Its bell hangs.
  eventually bash -c 'compgen -G "$CALLSHEET_LOCATION/default.callsheet/run/bells/*" >/dev/null'
  kill -TERM "$waiter"
  status=0
  wait "$waiter" || status=$?
  [[ $status == 143 ]]
  [[ -z $(ls "$CALLSHEET_LOCATION/default.callsheet/run/bells") ]]
}

@test "a program that does not exist is a failure with a reason" {
  startPrincipal
  id=$(callsheet add -- /no/such/program)
  run callsheet wait "$id" --timeout 20
  [[ $status -ne 0 && $status -ne 124 ]]
  [[ $(field "$id" .failure.message) == *"/no/such/program"* ]]
  id=$(callsheet add --cwd /no/such/directory -- true)
  run callsheet wait "$id" --timeout 20
  [[ $status -ne 0 && $status -ne 124 ]]
  [[ $(field "$id" .failure.message) == *"/no/such/directory"* ]]
}

@test "the last 64 KiB of output stand in the result, and what was cut off is told when the files are gone" {
  startPrincipal
  id=$(callsheet add -- sh -c 'head -c 300000 /dev/zero | tr "\0" a; echo; echo the end')
  callsheet wait "$id" --timeout 20
  [[ $(field "$id" '.result.output | length') == 65536 ]]
  [[ $(field "$id" .result.truncatedBytes) == $((300000 + 9 - 65536)) ]]
  [[ $(callsheet log --output "$id" | wc -c) == 300009 ]]
  rm -r "$CALLSHEET_LOCATION/default.callsheet/tasks/$id"
  endsWith 0 callsheet log --output "$id"
  [[ $output == *"the end" ]]
  saysOneSentence "were not kept"
}

@test "output that is not UTF-8 is kept as text" {
  startPrincipal
  id=$(callsheet add -- printf 'a\377b\0c')
  callsheet wait "$id" --timeout 20
  [[ $(field "$id" '.result.output | length') == 5 ]]
}

@test "a waiting job is canceled at once" {
  id=$(callsheet add --delay 1h -- true)
  endsWith 0 callsheet cancel --why "no longer needed" "$id"
  [[ $output == "$id  canceled" ]]
  [[ $(field "$id" .outcome) == canceled ]]
  [[ $(field "$id" '.log[-1].note') == *"no longer needed"* ]]
  endsWith 125 callsheet wait "$id" --timeout 5
}

@test "a running command is ended with its whole process group" {
  startPrincipal
  # shellcheck disable=SC2016
  id=$(callsheet add -- sh -c 'echo $$ >>"$0"; "$@" & wait' "$BATS_TEST_TMPDIR/endless.pids" "${endless[@]}")
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  eventually bash -c '[[ $(wc -l <"$BATS_TEST_TMPDIR/endless.pids") == 2 ]]'
  endsWith 0 callsheet cancel "$id"
  [[ $output == *"asked to end"* ]]
  endsWith 125 callsheet wait "$id" --timeout 20
  for pid in $(endlessPids); do eventually hasEnded "$pid"; done
}

@test "a command that ignores TERM is killed" {
  startPrincipal
  # shellcheck disable=SC2016
  id=$(callsheet add -- sh -c 'trap "" TERM; echo $$ >>"$0"; while :; do read -r x </dev/null || :; done' "$BATS_TEST_TMPDIR/endless.pids")
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  callsheet cancel "$id"
  endsWith 125 callsheet wait "$id" --timeout 20
  [[ -z $(livingEndlessPids) ]]
}

@test "to cancel twice is fine, to cancel a done job is refused" {
  startPrincipal
  id=$(callsheet add --delay 1h -- true)
  callsheet cancel "$id"
  endsWith 0 callsheet cancel "$id"
  done=$(callsheet add -- true)
  callsheet wait "$done" --timeout 20
  endsWith 4 callsheet cancel "$done"
  saysOneSentence "${done: -8}"
}

@test "retry does a done job again as a new job with retryOf" {
  startPrincipal
  id=$(callsheet add --key once --label a=b --retries 1 --retry-delay 10ms -- sh -c 'test -e "$0"' "$BATS_TEST_TMPDIR/there")
  endsWith 1 callsheet wait "$id" --timeout 20
  touch "$BATS_TEST_TMPDIR/there"
  endsWith 0 callsheet retry "$id"
  again=$output
  [[ $again != "$id" ]]
  endsWith 0 callsheet wait "$again" --timeout 20
  [[ $(field "$again" '.retryOf, .labels.a, .kind, (.retry.maxAttempts | tostring)' | xargs) == "$id b callsheet.command 2" ]]
  # The done job is final.
  [[ $(field "$id" .outcome) == failed ]]
}

@test "retry of a job that is not done is refused, and of several nothing is done" {
  startPrincipal
  done=$(callsheet add -- true)
  callsheet wait "$done" --timeout 20
  waiting=$(callsheet add --delay 1h -- true)
  endsWith 4 callsheet retry "$done" "$waiting"
  saysOneSentence "only a done job"
  [[ $(callsheet list --json | jq '.jobs | length') == 2 ]]
}

@test "clean takes done jobs out of sight and their output off the disk, and leaves all others" {
  startPrincipal
  good=$(callsheet add -- echo good)
  bad=$(callsheet add --queue other -- sh -c 'echo bad; exit 3')
  later=$(callsheet add --delay 1h -- true)
  endsWith 0 callsheet wait "$good" --timeout 20
  endsWith 3 callsheet wait "$bad" --timeout 20
  endsWith 4 callsheet clean "$good" "$later"
  saysOneSentence "only done jobs are cleaned away"
  endsWith 2 callsheet clean "$good" --succeeded
  saysOneSentence "not both"
  [[ $(callsheet clean --older-than 1h) == "0 jobs forgotten" ]]
  tasks=$CALLSHEET_LOCATION/default.callsheet/tasks
  test -e "$tasks/$good" -a -e "$tasks/$bad"
  [[ $(callsheet clean --succeeded --json | jq -c .) == '{"v":1,"forgotten":1}' ]]
  [[ $(callsheet list --json | jq -r '.jobs[].id' | sort) == "$(printf '%s\n' "$bad" "$later" | sort)" ]]
  eventually test ! -e "$tasks/$good"
  test -e "$tasks/$bad"
  # What is out of sight is there all the same, with what it printed last.
  [[ $(field "$good" '[.state, .forgotten] | @tsv') == $'done\ttrue' ]]
  [[ $(callsheet log --output "$good") == good ]]
  [[ $(callsheet clean "$bad") == "1 job forgotten" ]]
  [[ $(callsheet clean) == "0 jobs forgotten" ]]
  [[ $(callsheet list --json | jq -r '.jobs[].id') == "$later" ]]
  [[ $(callsheet list --forgotten --json | jq '.jobs | length') == 3 ]]
}

@test "restart ends what runs and does it from its beginning as a new job, and what is done too" {
  startPrincipal
  id=$(callsheet add --label who=me -- "${endless[@]}")
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  pid=$(endlessPids)
  new=$(callsheet restart "$id")
  endsWith 125 callsheet wait "$id" --timeout 20
  hasEnded "$pid"
  eventually hasState "$new" in-progress
  [[ $(field "$new" '[.retryOf, .labels.who] | @tsv') == "$id"$'\tme' ]]
  callsheet cancel "$new"
  endsWith 125 callsheet wait "$new" --timeout 20
  third=$(callsheet restart "$new" --json | jq -r '.jobs[0].id')
  eventually hasState "$third" in-progress
  endsWith 3 callsheet restart nothing
}
