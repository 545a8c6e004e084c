# What the .bats files share: `load helper` gives each test a store location of its own (CALLSHEET_LOCATION), daemons
# that are ended after it, waiting with a deadline, and a final `callsheet check`.
#
# A file that needs more in setup or teardown defines its own and calls callsheetSetup / callsheetTeardown.

callsheetSetup() {
  export CALLSHEET_LOCATION=$BATS_TEST_TMPDIR/jobs
  mkdir -p "$CALLSHEET_LOCATION"
  daemons=()
}

callsheetTeardown() {
  local pid
  # CONT first: a stopped process dies of KILL, but its children wait for nothing.
  for pid in "${daemons[@]}"; do kill -CONT "$pid" 2>/dev/null || true; done
  for pid in "${daemons[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  for pid in "${daemons[@]}"; do wait "$pid" 2>/dev/null || true; done
  # A test that damages its store on purpose says so.
  if [[ -z ${storeIsDamaged-} && -d $CALLSHEET_LOCATION/default.callsheet ]]; then
    callsheet check
  fi
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

# directorIsListed NAME: whether the output of `directors` contains that name as a word.
directorIsListed() { callsheet directors 2>/dev/null | grep -qw -- "$1"; }

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

# hasState ID STATE: whether the job is in that state now; for waitUntil.
hasState() { [[ $(callsheet show --json "$1" | jq -r '.state') == "$2" ]]; }

# exitCodeIs CODE: after `run`; shows the output when it is another one.
exitCodeIs() {
  # shellcheck disable=SC2154
  if [[ $status -ne $1 ]]; then
    echo "exit code $status instead of $1, output: $output" >&2
    return 1
  fi
}
