# What the .bats files share: `load helper` gives each test a store location of its own (CALLSHEET_LOCATION), daemons
# that are ended after it, waiting with a deadline, and a final `callsheet check`.
#
# A file that needs more in setup or teardown defines its own and calls callsheetSetup / callsheetTeardown.

bats_require_minimum_version 1.5.0

# For a script that is given a file of its own as $0: waits until there is another one that ends in .go.
# shellcheck disable=SC2034
untilGo='until test -e "$0.go"; do sleep 0.05; done'  # check:allow-sleep

callsheetSetup() {
  export CALLSHEET_LOCATION=$BATS_TEST_TMPDIR/jobs
  mkdir -p "$CALLSHEET_LOCATION"
  daemons=()
  # A command that runs until somebody ends it, and writes down its pid, so that nothing of it stays behind the test.
  # shellcheck disable=SC2016,SC2034
  endless=(sh -c 'echo $$ >>"$0"; exec sleep 600' "$BATS_TEST_TMPDIR/endless.pids")
  # The same until letGo.
  # shellcheck disable=SC2034
  going=(sh -c 'echo $$ >>"$0"; '"$untilGo" "$BATS_TEST_TMPDIR/endless.pids")
}
letGo() { touch "$BATS_TEST_TMPDIR/endless.pids.go"; }

callsheetTeardown() {
  local pid log
  # Of a test that failed, what its daemons said; bats shows it behind the failure.
  if [[ -z ${BATS_TEST_COMPLETED-} ]]; then
    for pid in "${daemons[@]}"; do
      log=$BATS_TEST_TMPDIR/daemon.$pid.log
      if [[ -s $log ]]; then sed "s/^/daemon $pid: /" "$log"; fi
    done
  fi
  # CONT first: a stopped process dies of KILL, but its children wait for nothing.
  for pid in "${daemons[@]}"; do kill -CONT "$pid" 2>/dev/null || true; done
  for pid in "${daemons[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  for pid in "${daemons[@]}"; do wait "$pid" 2>/dev/null || true; done
  endTasks
  for pid in $(endlessPids); do kill -KILL "$pid" 2>/dev/null || true; done
  # A test that damages its store on purpose says so.
  if [[ -z ${storeIsDamaged-} && -d $CALLSHEET_LOCATION/default.callsheet ]]; then
    callsheet check
  fi
}

# endTasks: commands outlive their daemons, and must not outlive their test. They die with their shims.
endTasks() {
  local task group
  for task in "$CALLSHEET_LOCATION"/*.callsheet/tasks/*/; do
    if [[ -d $task ]]; then pkill -KILL -f "^callsheet-shim $(basename "$task")" || true; fi
    group=$(sed -n 's/^group \(.*[^ ]\) *$/\1/p' "${task}lock" 2>/dev/null || true)
    if [[ $group ]]; then endGroup "$group"; fi
  done
}

# endGroup PATH: what of a task is still in its control group, and the group.
endGroup() {
  if [[ ! -d $1 ]]; then return; fi
  echo 1 >"$1/cgroup.kill"
  eventually rmdir "$1" 2>/dev/null
}

setup() { callsheetSetup; }
teardown() { callsheetTeardown; }

# daemon ARGUMENTS...: starts `callsheet ARGUMENTS...` in the background; its pid is $daemon, its messages are in
# $BATS_TEST_TMPDIR/daemon.PID.log. Descriptor 3 is bats' own and must not be inherited.
daemon() {
  local log
  log=$(mktemp "$BATS_TEST_TMPDIR/daemon.XXXXXX")
  callsheet "$@" >"$log" 2>&1 3>&- </dev/null &
  daemon=$!
  daemons+=("$daemon")
  ln -s "$log" "$BATS_TEST_TMPDIR/daemon.$daemon.log"
}

# startPrincipal / startAssistant NAME: start the daemon and wait until `callsheet directors` lists it.
startPrincipal() {
  daemon principal "$@"
  waitUntil 10 directorIsListed principal
}

startAssistant() {
  daemon assistant "$@"
  waitUntil 10 directorIsListed "$1"
}

# testDirector NAME [MORE...]: the process tests' director in the background, which knows kinds that the command does not; with an
# empty NAME it is the principal. Told to quit by the end of its input, descriptor 8. Its pid is $daemon.
testDirector() {
  local input
  input=$(mktemp -u "$BATS_TEST_TMPDIR/input.XXXXXX")
  mkfifo "$input"
  "$CALLSHEET_TEST_BINARIES/process_test" --role director "location=$CALLSHEET_LOCATION" id=default "name=$1" workers=2 "${@:2}" \
    <"$input" >"$input.said" 2>&1 3>&- &
  daemon=$!
  daemons+=("$daemon")
  exec 8>"$input"
}

# quarantineKiller ID: runs a job of the kind `killer`, which kills its process, until it stands in quarantine.
quarantineKiller() {
  touch "$CALLSHEET_LOCATION/poison"
  for _ in 1 2 3 4 5 6 7; do
    testDirector ""
    eventually hasEndedOrQuarantined "$daemon" "$1"
    if isRunning "$daemon"; then break; fi
  done
  fieldIs "$1" .waitingFor quarantine
}
hasEndedOrQuarantined() { hasEnded "$1" || fieldIs "$2" .waitingFor quarantine; }

# playSomebodyElse: root reads and writes everything, so it plays another user: $as is how, and $place a directory of
# that one's with the command in it. Skips where it cannot.
playSomebodyElse() {
  place=$(mktemp -d /tmp/callsheet-bats-XXXXXX)
  cp "$(command -v callsheet)" "$place"
  # shellcheck disable=SC2034
  as=()
  if [[ $(id -u) == 0 ]]; then
    command -v setpriv >/dev/null || skip "setpriv is not installed, with which root becomes somebody else"
    chown -R 65534:65534 "$place"
    as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  fi
}

# directorIsListed NAME: whether a director of that name is alive.
directorIsListed() {
  # In two steps: jq is content with nothing, which is what a store that is not there yet gives.
  local listed
  listed=$(callsheet directors --json 2>/dev/null) || return 1
  jq -e --arg name "$1" '.directors | any(.name == $name and .alive)' <<<"$listed" >/dev/null
}

# endlessPids: the pids of all endless commands that were started; of those that still run, livingEndlessPids.
endlessPids() { cat "$BATS_TEST_TMPDIR/endless.pids" 2>/dev/null || true; }
livingEndlessPids() {
  local pid
  for pid in $(endlessPids); do if isRunning "$pid"; then echo "$pid"; fi; done
}

# isRunning PID, hasEnded PID: a zombie has ended.
isRunning() { [[ -r /proc/$1/stat ]] && [[ $(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) =~ ^[^ZX]$ ]]; }
hasEnded() { ! isRunning "$1"; }

# isStopped PID: by a signal.
isStopped() { [[ $(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) == T ]]; }

# stoppedAt POINT ARGUMENTS...: a `callsheet ARGUMENTS...` that was stopped there; its pid is $daemon.
stoppedAt() {
  CALLSHEET_STOP_AT=$1 daemon "${@:2}"
  eventually isStopped "$daemon"
}

# waitUntil SECONDS COMMAND...: repeats the command until it succeeds; says what was waited for when time is up.
waitUntil() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    if ((SECONDS >= end)); then
      echo "waited in vain for: $*" >&2
      return 1
    fi
    sleep 0.05  # check:allow-sleep
  done
}

# eventually COMMAND...: the same with the deadline that fits nearly everything.
eventually() { waitUntil 20 "$@"; }

# field ID FILTER: what jq's filter finds in `show --json`.
field() { callsheet show --json "$1" | jq -r "$2"; }

# fieldIs ID FILTER VALUE: for waitUntil.
fieldIs() { [[ $(field "$1" "$2") == "$3" ]]; }

# hasState ID STATE: whether the job is in that state now; for waitUntil.
hasState() { fieldIs "$1" .state "$2"; }

# daemonSaid PID TEXT: whether that daemon has said so.
daemonSaid() { grep -qF -- "$2" "$BATS_TEST_TMPDIR/daemon.$1.log"; }

# endsWith CODE COMMAND...: runs it; shows the output when the exit code is another one. $output is stdout, $stderr stderr.
endsWith() {
  local code=$1
  shift
  run --separate-stderr "$@"
  # shellcheck disable=SC2154
  if [[ $status -ne $code ]]; then
    echo "'$*' ended with $status instead of $code; stdout: $output; stderr: $stderr" >&2
    return 1
  fi
}

# saysOneSentence TEXT: after endsWith; stderr is one line "callsheet: ..." that contains the text.
saysOneSentence() {
  if [[ $stderr != "callsheet: "* || $stderr == *$'\n'* || $stderr != *"$1"* ]]; then
    echo "stderr is not one sentence with '$1': $stderr" >&2
    return 1
  fi
}

# refute COMMAND...: fails when the command succeeds. A `!` before a command fails a bats test only in its last line.
refute() {
  if "$@"; then
    echo "it succeeded and must not: $*" >&2
    return 1
  fi
}

# exitCodeIs CODE: after `run`; shows the output when it is another one.
exitCodeIs() {
  # shellcheck disable=SC2154
  if [[ $status -ne $1 ]]; then
    echo "exit code $status instead of $1, output: $output" >&2
    return 1
  fi
}
