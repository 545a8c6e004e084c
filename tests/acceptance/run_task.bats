# `callsheet run-task`: one task in the foreground, without a store and without a daemon.
load helper

setup() {
  callsheetSetup
  # Neither a store nor a place for one.
  unset CALLSHEET_LOCATION
  export HOME=/proc/no/home
  unset XDG_STATE_HOME
  here=$BATS_TEST_TMPDIR/here
  mkdir "$here"
  cd "$here"
  task=$BATS_TEST_TMPDIR/task.json
}

teardown() {
  [[ -z ${place-} ]] || rm -rf "$place"
  export CALLSHEET_LOCATION=$BATS_TEST_TMPDIR/jobs
  [[ ! -e $CALLSHEET_LOCATION/default.callsheet ]]
  callsheetTeardown
}

# echoTask STATEMENT...: writes a task of the echo machine.
echoTask() { jq -n --args '{machine: "echo", parameters: $ARGS.positional}' "$@" >"$task"; }

# commandTask WORD...: writes one of the command machine.
commandTask() { jq -n '{machine: "command", parameters: {argv: $ARGS.positional}}' --args -- "$@" >"$task"; }

# result FILTER: what jq finds in the status file.
result() { jq -r "$1" cli.result; }

# onlyItsFiles: whether nothing else stays.
onlyItsFiles() { [[ $(ls -A | xargs) == "cli.result output.log" ]]; }

# endedWith CODE PID: waits for that process of this shell, which must end so.
endedWith() {
  local code=0
  eventually hasEnded "$2"
  wait "$2" || code=$?
  [[ $code == "$1" ]] || { echo "process $2 ended with $code instead of $1" >&2; return 1; }
}

# refusedBody TEXT BODY...: each is refused with 4 and that text, and no file is made.
refusedBody() {
  local text=$1 body
  shift
  for body in "$@"; do
    printf '%s' "$body" >"$task"
    endsWith 4 callsheet run-task "$task"
    saysOneSentence "$text"
    [[ $stderr == "callsheet: $task: "* && -z $output && -z $(ls -A) ]]
  done
}

@test "a task of statements runs in an empty directory without any store" {
  echoTask "echo The task has stared and will now sleep" "sleep 0.2" "log warning Important message" "sleep 0.1" \
    "log error Another important message" "log critical And done" "echo Task has now completed"
  endsWith 0 callsheet run-task "$task"
  [[ -z $stderr && $output == "$(<output.log)" ]]
  [[ $(sed 's/^[0-9-]*T[0-9:.]*Z /TIME /' output.log) == "The task has stared and will now sleep
TIME WARNING Important message
TIME ERROR Another important message
TIME CRITICAL And done
Task has now completed" ]]
  onlyItsFiles
  [[ $(jq -c 'keys_unsorted' cli.result) == \
    '["task_id","process_id","started_at","updated_at","finished_at","exit_code","status"]' ]]
  [[ $(result '.task_id, .exit_code, .status.state, .status.reason, .status.attempt' | xargs) == "cli 0 exited none 1" ]]
  [[ $(result '.status.durationMs >= 300 and .process_id > 1 and .started_at < .finished_at') == true ]]
}

@test "one text is the same as a list of its lines" {
  jq -n '{machine: "echo", parameters: "# says hello\n\nECHO \"hello\"  $HOME\nreturn 3\necho never\ncleanup\necho bye\n"}' >"$task"
  endsWith 0 callsheet run-task "$task"
  # shellcheck disable=SC2016
  [[ $output == '"hello"  $HOME'$'\nbye' && $(result .exit_code) == 0 ]]
}

@test "statements that look like options of the command are statements" {
  echoTask "--help" && endsWith 4 callsheet run-task "$task"
  echoTask "echo --help" "echo -- x" "#--" "echo [a]" "echo"
  endsWith 0 callsheet run-task "$task"
  [[ $output == $'--help\n-- x\n[a]' ]]
}

@test "an exception is 1, and -3 in the status file, with the error in the output" {
  echoTask "echo before" "raise out of luck" "echo never" "cleanup" "echo cleaned"
  endsWith 1 callsheet run-task "$task"
  [[ $output == $'before\n'*"ERROR An exception was raised: out of luck"$'\ncleaned' ]]
  [[ $(result .exit_code) == -3 ]]
}

@test "a command ends with its own code, and with 128 and its signal" {
  # shellcheck disable=SC2016
  commandTask sh -c 'pwd; echo "$A" >&2; exit 7'
  endsWith 7 callsheet run-task "$task"
  [[ $output == "$here"* && $(result .exit_code) == 7 ]]
  # shellcheck disable=SC2016
  commandTask sh -c 'kill -KILL $$'
  endsWith 137 callsheet run-task "$task"
  [[ $(result .exit_code) == 137 ]]
  commandTask true
  endsWith 0 callsheet run-task "$task"
}

@test "a program that cannot be run is 1, and -3 in the status file" {
  commandTask callsheet-no-such-program
  endsWith 1 callsheet run-task "$task"
  saysOneSentence "The program 'callsheet-no-such-program' cannot be run"
  [[ $(result '.exit_code, .status.end' | xargs) == "-3 not-started" ]]
  onlyItsFiles
}

@test "a task that is interrupted is stopped and cleans up: 125, and -1 in the status file" {
  echoTask "echo begun" "sleep 600" "echo never" "cleanup" "sleep 0.05" "echo cleaned"
  for signal in INT TERM HUP; do
    daemon run-task "$task"
    eventually daemonSaid "$daemon" begun
    kill -"$signal" "$daemon"
    endedWith 125 "$daemon"
    daemonSaid "$daemon" "callsheet: the task was stopped"
    [[ $(<output.log) == $'begun\ncleaned' && $(result '.exit_code, .status.reason' | xargs) == "-1 stopped" ]]
    onlyItsFiles
    hasEnded "$(result .process_id)"
  done
}

@test "a command that is interrupted keeps its own code in the status file" {
  commandTask "${endless[@]}"
  daemon run-task "$task"
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  kill -INT "$daemon"
  endedWith 125 "$daemon"
  [[ $(result '.exit_code, .status.reason' | xargs) == "143 stopped" && -z $(livingEndlessPids) ]]
}

@test "a second interrupt kills what does not end" {
  # shellcheck disable=SC2016
  commandTask sh -c 'trap "" TERM; echo $$ >>"$0"; '"$untilGo" "$BATS_TEST_TMPDIR/endless.pids"
  daemon run-task "$task"
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  kill -INT "$daemon"
  eventually eval '[[ $(result .status.state) == stopping ]]'
  [[ -n $(livingEndlessPids) ]]
  kill -INT "$daemon"
  endedWith 130 "$daemon"
  [[ -z $(livingEndlessPids) ]]
  [[ $(result 'has("finished_at")') == false ]]
}

@test "a task ends with a run-task that was killed" {
  commandTask "${endless[@]}"
  daemon run-task "$task"
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  kill -KILL "$daemon"
  eventually eval '[[ $(result .status.state) == exited ]]'
  [[ -z $(livingEndlessPids) && $(result .status.reason) == stopped ]]
}

@test "a task whose time is over is ended and cleans up: 124, and -2 in the status file" {
  echoTask "echo begun" "sleep 600" "cleanup" "echo cleaned"
  endsWith 124 callsheet run-task --limit 500ms "$task"
  saysOneSentence "the task took longer than its limit"
  [[ $output == $'begun\ncleaned' && $(result '.exit_code, .status.reason' | xargs) == "-2 time-limit" ]]
}

@test "output appears while the task runs" {
  commandTask sh -c "echo begun; $untilGo; echo ended" "$BATS_TEST_TMPDIR/script"
  daemon run-task "$task"
  eventually daemonSaid "$daemon" begun
  isRunning "$daemon"
  refute daemonSaid "$daemon" ended
  touch "$BATS_TEST_TMPDIR/script.go"
  endedWith 0 "$daemon"
  daemonSaid "$daemon" ended
}

@test "all of a large output is kept and shown" {
  commandTask seq 1 300000
  callsheet run-task "$task" >"$BATS_TEST_TMPDIR/shown"
  seq 1 300000 | cmp - "$BATS_TEST_TMPDIR/shown"
  cmp output.log "$BATS_TEST_TMPDIR/shown"
}

@test "a reader of the output that stands still stops neither the task nor its interruption" {
  commandTask sh -c 'seq 1 300000; exec sleep 600'
  mkfifo "$BATS_TEST_TMPDIR/pipe"
  exec 7<>"$BATS_TEST_TMPDIR/pipe"
  callsheet run-task "$task" >"$BATS_TEST_TMPDIR/pipe" 3>&- &
  daemons+=($!)
  eventually eval '[[ $(tail -n 1 output.log) == 300000 ]]'
  kill -INT $!
  endedWith 125 $!
  exec 7>&-
}

@test "a reader of the output that goes away stops the task" {
  # The second line meets a pipe without a reader.
  commandTask sh -c 'echo $$ >>"$0"; exec yes line' "$BATS_TEST_TMPDIR/endless.pids"
  run -141 bash -o pipefail -c "callsheet run-task '$task' | head -n 1"
  eventually eval '[[ $(result .status.state) == exited ]]'
  [[ -z $(livingEndlessPids) && $output == line ]]
}

@test "output that cannot be shown is an error, and is in output.log" {
  [[ -w /dev/full ]] || skip "there is no /dev/full here"
  echoTask "echo begun" "sleep 0.1" "echo ended"
  # shellcheck disable=SC2016
  endsWith 74 bash -c 'callsheet run-task "$0" >/dev/full' "$task"
  saysOneSentence "the output cannot be written"
  [[ $(<output.log) == $'begun\nended' && $(result .exit_code) == 0 ]]
}

@test "with --json the end is told and the output is in its file alone" {
  echoTask "echo hello" "raise"
  endsWith 1 callsheet run-task --json "$task"
  [[ $(jq -c '[.v, .taskId, .exitCode, .taskExitCode, .reason, .end, .code]' <<<"$output") == \
    '[1,"cli",1,-3,"none","exited",1]' ]]
  [[ $(head -n 1 output.log) == hello ]]
}

@test "what is not a task is refused, and no file is made" {
  refusedBody "The JSON is refused" '{bad' '' '{"machine":"echo","parameters":[}'
  refusedBody "A task is an object" '[]' '"echo"' 3
  refusedBody "A task needs 'machine' and 'parameters'" '{"without-machine-parameters":"request-is-invalid"}' '{}'
  refusedBody "A task needs 'parameters'" '{"machine":"echo"}'
  refusedBody "and nothing else, but not 'more'" '{"machine":"echo","parameters":[],"more":1}'
  refusedBody "A task's 'machine' is a name" '{"machine":1,"parameters":[]}'
  refusedBody "There is no machine 'nope'; there are command and echo" '{"machine":"nope","parameters":[]}'
}

@test "parameters that a machine cannot run are refused, and nothing runs" {
  refusedBody "Line 2: there is no statement 'jump'" '{"machine":"echo","parameters":["echo a","jump"]}'
  refusedBody "takes a list of statements" '{"machine":"echo","parameters":3}'
  refusedBody "The command machine cannot read its parameters" '{"machine":"command","parameters":{}}'
  refusedBody "A command needs the name of its program" '{"machine":"command","parameters":{"argv":[]}}'
}

@test "a wrong command line is refused, and no file is made" {
  endsWith 2 callsheet run-task
  saysOneSentence "usage: callsheet run-task [--limit DURATION] FILE"
  endsWith 2 callsheet run-task -- true
  saysOneSentence "only \`callsheet add\`"
  endsWith 3 callsheet run-task /no/such/file
  saysOneSentence "the task's file /no/such/file cannot be read"
  endsWith 74 callsheet run-task /
  saysOneSentence "the task's file / cannot be read"
  echoTask "echo a"
  endsWith 4 callsheet run-task --limit -1s "$task"
  saysOneSentence "--limit"
  endsWith 2 callsheet machine nope
  saysOneSentence "no machine"
  [[ -z $(ls -A) ]]
}

@test "a directory that cannot be written is said so, and nothing runs" {
  playSomebodyElse
  commandTask touch "$place/ran"
  cp "$task" "$place/task.json"
  chmod 0644 "$place/task.json"
  "${as[@]}" mkdir "$place/closed"
  "${as[@]}" "$place/callsheet" --version || skip "nobody else can run the command here"
  chmod 0555 "$place/closed"
  cd "$place/closed"
  endsWith 77 "${as[@]}" "$place/callsheet" run-task "$place/task.json"
  saysOneSentence "output.log and cli.result cannot be made in $place/closed: Permission denied"
  [[ ! -e $place/ran && -z $(ls -A) ]]
}

@test "two tasks do not mix in one directory" {
  commandTask "${endless[@]}"
  daemon run-task "$task"
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  echoTask "echo second"
  endsWith 75 callsheet run-task "$task"
  saysOneSentence "another task runs in $here"
  isRunning "$daemon"
  [[ ! -s output.log ]]
  kill -TERM "$daemon"
  endedWith 125 "$daemon"
  endsWith 0 callsheet run-task "$task"
  [[ $output == second ]]
}

@test "files of that name that are no files are refused" {
  echoTask "echo a"
  echo precious >"$BATS_TEST_TMPDIR/precious"
  ln -s "$BATS_TEST_TMPDIR/precious" output.log
  endsWith 74 callsheet run-task "$task"
  saysOneSentence "output.log and cli.result cannot be made in $here"
  [[ $(<"$BATS_TEST_TMPDIR/precious") == precious ]]
}

@test "a task whose shim is killed is not known to have ended" {
  commandTask "${endless[@]}"
  daemon run-task "$task"
  eventually test -s "$BATS_TEST_TMPDIR/endless.pids"
  kill -KILL "$(result .status.shimPid)"
  endedWith 69 "$daemon"
  daemonSaid "$daemon" "nobody knows how the task ended"
  eventually eval '[[ -z $(livingEndlessPids) ]]'
}
