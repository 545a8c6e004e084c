# What still works when the disk is full, and when a process was stopped where it holds others up.
load helper

hasOpen() { ls -l "/proc/$1/fd" 2>/dev/null | grep -q "/$2\$"; }

# onSmallDisk SIZE SCRIPT: runs the script of bash on a disk of that size, whose directory is its $1; what it writes to
# descriptor 3 is in principal.log. Skips where no such disk can be had.
onSmallDisk() {
  local small=$BATS_TEST_TMPDIR/small
  mkdir "$small"
  unshare --user --map-root-user --mount true 2>/dev/null || skip "a mount namespace cannot be made here"
  run --separate-stderr unshare --user --map-root-user --mount bash -c \
    "mount -t tmpfs -o size=$1 tmpfs \"\$1\" || exit 99; $2" bash "$small" 3>"$BATS_TEST_TMPDIR/principal.log"
  [[ $status != 99 ]] || skip "no tmpfs can be mounted here"
  [[ $status == 0 ]] || { echo "exit $status: $stderr $output $(cat "$BATS_TEST_TMPDIR/principal.log")"; false; }
}

@test "on a full disk everything can be read, jobs can be canceled, and a principal starts" {
  # shellcheck disable=SC2016
  onSmallDisk 2m '
    export CALLSHEET_LOCATION=$1
    for i in 1 2 3 4 5 6 7 8; do ids[i]=$(callsheet add --delay 1h -- true) || exit 98; done
    for i in 1 2 3 4; do callsheet cancel "${ids[i]}" >/dev/null || exit 98; done
    # As after a reboot: a board would have to be made.
    rm -f "$1/default.callsheet/run/board"
    dd if=/dev/zero of="$1/ballast" bs=4k >/dev/null 2>&1
    set -e
    echo here-nothing-fits 2>/dev/null >"$1/more" && exit 97
    for reading in list stats "show ${ids[5]}" directors check; do callsheet $reading >&2; done
    callsheet cancel "${ids[5]}" >&2
    callsheet principal 2>&3 &
    principal=$!
    trap "kill $principal" EXIT
    for ((i = 0; i < 400; i++)); do
      [[ $(callsheet directors --json | jq "[.directors[] | select(.alive and .role == \"principal\")] | length") == 1 ]] && break
      sleep 0.05 # check:allow-sleep
    done
    callsheet directors --json
    callsheet cancel "${ids[6]}" >&2'
  [[ $(jq '[.directors[] | select(.alive and .role == "principal")] | length' <<<"$output") == 1 ]] || { echo "$output"; false; }
  grep -q "no room for this director on the board" "$BATS_TEST_TMPDIR/principal.log"
}

@test "after SIGSTOP inside a write transaction add goes on after the limit with no daemon running" {
  callsheet add -- true
  stoppedAt commit.applied add -- true
  endsWith 0 timeout 60 callsheet add -- true
  [[ $stderr == *"process $daemon (state T) was stopped inside a write"* ]]
  hasEnded "$daemon"
  [[ $(callsheet stats --json | jq .jobs) == 2 ]]
}

@test "add gives up, says so and ends when nobody may end what holds it up" {
  callsheet add -- true
  stoppedAt commit.applied principal --never-kill-me
  endsWith 69 timeout 100 callsheet add -- true
  [[ $stderr == *"the commit took too long"* ]]
  kill -CONT "$daemon"
  eventually directorIsListed principal
  [[ $(callsheet stats --json | jq .jobs) == 1 ]]
}

@test "wait and watch can be ended while the store cannot be opened" {
  id=$(callsheet add --delay 1h -- true)
  stoppedAt env.opened list
  for command in wait watch; do
    daemon "$command" "$id"
    waitUntil 5 hasOpen "$daemon" env.open
    kill -TERM "$daemon"
    waitUntil 3 hasEnded "$daemon"
  done
}

@test "a process that is stopped while it opens the store is named when it may not be ended" {
  callsheet add -- true
  stoppedAt env.opened principal --never-kill-me
  endsWith 69 timeout 60 callsheet list
  saysOneSentence "process $daemon does not let go of"
  kill -CONT "$daemon"
  eventually directorIsListed principal
}

@test "a job of a kind that only a dead principal knows is unclaimable at once" {
  startPrincipal
  kill -KILL "$daemon"
  eventually hasEnded "$daemon"
  id=$(callsheet add -- true)
  [[ $(callsheet list --unclaimable --json | jq -r '.jobs[].id') == "$id" ]]
  [[ $(callsheet show --json "$id" | jq .unclaimable) == true ]]
  startPrincipal
  callsheet wait "$id" --timeout 20
  [[ $(callsheet list --unclaimable --json | jq '.jobs | length') == 0 ]]
}

@test "on a full disk a command goes on, how it ended is known, and the next one starts when there is room" {
  # shellcheck disable=SC2016
  onSmallDisk 1m '
    mkdir -m 700 "$1/tasks"
    set -e
    callsheet principal --tasks "$1/tasks" 2>&3 &
    principal=$!
    trap "kill -KILL $principal" EXIT
    id=$(callsheet add -- sh -c "head -c 3000000 /dev/zero | tr \"\\0\" x; echo here-nothing-fits >$1/more; exit 7")
    code=0
    callsheet wait "$id" --timeout 30 >&2 || code=$?
    echo "$code"
    callsheet show --json "$id" | jq -c "[.outcome, .failure.type]"
    callsheet log "$id" --output | tr -d "\n" | sed "s/xx*/x/" >&2
    callsheet log "$id" --output | wc -c
    # What is removed makes room again for whoever comes next.
    rm -rf "$1/tasks/"*
    callsheet wait "$(callsheet add -- true)" --timeout 30 >&2'
  [[ ${lines[0]} == 7 && ${lines[1]} == '["failed","exit"]' ]]
  # It printed 3 MB, of which the disk had room for less than one.
  ((lines[2] > 100000 && lines[2] < 1048576))
}
