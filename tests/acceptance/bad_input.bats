# Bad input: one clear sentence that says what to do, a documented exit code, nothing lost or half done.
load helper

# refused CODE TEXT COMMAND...: that code, one sentence with the text, nothing on stdout.
refused() {
  local code=$1 text=$2
  shift 2
  endsWith "$code" timeout 20 "$@"
  saysOneSentence "$text"
  [[ -z $output ]]
}

teardown() {
  # Where others than root can go.
  [[ -z ${place-} ]] || rm -rf "$place"
  callsheetTeardown
}

noStore() { [[ ! -e $CALLSHEET_LOCATION/default.callsheet ]]; }

@test "a wrong command line is refused with 2" {
  refused 2 "name a command" callsheet
  refused 2 "nonsense" callsheet nonsense
  refused 2 "nonsense" callsheet list --nonsense
  refused 2 "put -- before the command" callsheet add true
  refused 2 "say what to run" callsheet add
  refused 2 "say what to run" callsheet add --
  refused 2 "only \`callsheet add\`" callsheet list -- true
  refused 2 "name" callsheet assistant
  refused 2 "id" callsheet show
  refused 2 "exclude each other" callsheet add --kind a -- true
  refused 2 "are for commands" callsheet add --kind a --cwd /
  refused 2 "needs --kind" callsheet add --params '{}' -- true
  refused 2 "NAME=VALUE" callsheet add --label nothing -- true
  refused 2 "NAME=VALUE" callsheet add --env =x -- true
  refused 2 "--workers" callsheet principal --workers 0
  refused 2 "--log-level" callsheet principal --log-level loud
  refused 2 "a lease of 0 ms" callsheet principal --lease 0
  refused 2 "a lease of 4000 ms" callsheet principal --lease 4s
  refused 2 "a writer limit of 999 ms" callsheet principal --writer-limit 999ms
  refused 2 "a writer limit of 0 ms" callsheet assistant someone --writer-limit 0
  refused 2 "--priority" callsheet add --priority high -- true
  noStore
}

@test "a store that does not exist is not made by reading" {
  for command in list "show ab" "watch ab" "wait ab" "log ab" "cancel ab" "retry ab" directors stats check "backup $BATS_TEST_TMPDIR/copy"; do
    # shellcheck disable=SC2086
    refused 3 "there is no store" callsheet $command
  done
  noStore
  [[ ! -e $BATS_TEST_TMPDIR/copy ]]
}

@test "a job that does not exist is not found" {
  callsheet add -- true
  for command in show watch wait log cancel retry; do
    refused 3 "no job is called 'ffffffff'" callsheet "$command" ffffffff
  done
  refused 3 "no job is called 'not-hex'" callsheet show not-hex
  refused 3 "no director is named 'nobody'" callsheet list --owner nobody
}

@test "one wrong id among several does nothing to the others" {
  id=$(callsheet add --delay 1h -- true)
  refused 3 "no job is called" callsheet cancel "$id" ffffffff
  hasState "$id" waiting
}

@test "names that are paths are refused" {
  refused 4 "../evil" callsheet --id ../evil add -- true
  refused 4 "a/b" callsheet --id a/b add -- true
  refused 4 ".hidden" callsheet --id .hidden add -- true
  refused 4 "'../evil' is not a director's name" callsheet assistant ../evil
  refused 4 "a/b" callsheet assistant a/b
  refused 4 "principal" callsheet assistant principal
  refused 4 "../evil" callsheet add --queue ../evil -- true
  refused 4 "../evil" callsheet add --to ../evil -- true
  refused 4 "../evil" callsheet add --kind ../evil
  refused 4 "a/b" callsheet add --label a/b=c -- true
  [[ ! -e $BATS_TEST_TMPDIR/evil.callsheet ]]
}

@test "negative delays and times that do not exist are refused" {
  callsheet add -- true
  refused 4 "-5s" callsheet add --delay -5s -- true
  refused 4 "soon" callsheet add --delay soon -- true
  refused 4 "1000000d" callsheet add --delay 1000000d -- true
  refused 4 "2030-02-30" callsheet add --at 2030-02-30T00:00:00Z -- true
  refused 4 "2030-01-01T00:00:00" callsheet add --at 2030-01-01T00:00:00 -- true
  refused 4 "-1s" callsheet add --limit -1s -- true
  refused 4 "-1s" callsheet wait --timeout -1s ff
  refused 4 "-1s" callsheet principal --grace -1s
  refused 4 "-1s" callsheet principal --keep -1s
  refused 4 "priority" callsheet add --priority 1001 -- true
  [[ $(callsheet list --json | jq '.jobs | length') == 1 ]]
}

@test "an unparsable payload is refused and nothing is added" {
  callsheet add -- true
  for text in '{' '{"a":}' 'nothing' '[1,]' '{"a":1}x' $'"\xff"'; do
    endsWith 4 callsheet add --kind a --params "$text"
    saysOneSentence ""
  done
  deep=$(printf '[%.0s' {1..100})$(printf ']%.0s' {1..100})
  refused 4 "deep" callsheet add --kind a --params "$deep"
  [[ $(callsheet list --json | jq '.jobs | length') == 1 ]]
}

@test "a too large payload is refused and nothing is added" {
  callsheet add -- true
  { printf '"'; head -c 1100000 /dev/zero | tr '\0' a; printf '"'; } >"$BATS_TEST_TMPDIR/large"
  refused 4 "1048576" callsheet add --kind a --params-file "$BATS_TEST_TMPDIR/large"
  refused 3 "/no/such/file" callsheet add --kind a --params-file /no/such/file
  [[ $(callsheet list --json | jq '.jobs | length') == 1 ]]
}

@test "keys and commands that cannot be kept are refused" {
  callsheet add -- true
  refused 4 "A key must not be empty" callsheet add --key '' -- true
  refused 4 "A part of a key is not valid UTF-8" callsheet add --key $'\xff' -- true
  refused 4 "%" callsheet add --key 'a%zz' -- true
  refused 4 "256" callsheet add --key "$(printf '%0300d' 1)" -- true
  refused 4 "UTF-8" callsheet add -- echo $'\xff'
  [[ $(callsheet list --json | jq '.jobs | length') == 1 ]]
}

@test "a command by its kind needs no more than its program" {
  startPrincipal
  id=$(callsheet add --kind callsheet.command --params '{"argv":["sh","-c","echo hi; exit 7"]}')
  endsWith 7 callsheet wait "$id" --timeout 20
  [[ $(callsheet log --output "$id") == hi ]]
}

@test "kinds that are Callsheet's own and not known are refused" {
  callsheet add -- true
  refused 4 "reserved" callsheet add --kind callsheet.https
  refused 4 "reserved" callsheet add --kind callsheet.
  [[ $(callsheet list --json | jq '.jobs | length') == 1 ]]
}

@test "parameters are given once and for a kind" {
  callsheet add -- true
  refused 2 "--params and --params-file exclude each other" callsheet add --kind a --params 1 --params-file /dev/null
  refused 2 "--params needs --kind" callsheet add --params-file /dev/null -- true
  refused 3 "the parameters' file /no/such/file cannot be read" callsheet add --kind a --params-file /no/such/file
  [[ $(callsheet list --json | jq '.jobs | length') == 1 ]]
}

@test "an assistant that is not alive cannot be given a job" {
  callsheet add -- true
  refused 4 "no living assistant is named 'nobody'" callsheet add --to nobody -- true
  [[ $(callsheet list --json | jq '.jobs | length') == 1 ]]
}

@test "a page token that no listing gave is refused" {
  callsheet add -- true
  refused 4 "page token" callsheet list --page nonsense
}

@test "a state that does not exist is refused with those that do" {
  callsheet add -- true
  refused 2 "quarantine" callsheet list --state sleepy
}

@test "a directory that is not a store is left alone" {
  mkdir -m 700 "$CALLSHEET_LOCATION/default.callsheet"
  echo precious >"$CALLSHEET_LOCATION/default.callsheet/file"
  storeIsDamaged=1
  refused 4 "not a store" callsheet add -- true
  refused 4 "not a store" callsheet list
  [[ $(ls "$CALLSHEET_LOCATION/default.callsheet") == file ]]
}

@test "a foreign store, an LMDB environment of somebody else, is refused and left alone" {
  command -v mdb_load >/dev/null || skip "lmdb-utils are not installed, which make a foreign environment"
  mkdir -m 700 "$CALLSHEET_LOCATION/default.callsheet"
  storeIsDamaged=1
  mdb_load -T "$CALLSHEET_LOCATION/default.callsheet" <<'END'
VERSION=3
format=print
type=btree
mapsize=1048576
HEADER=END
 key
 value
DATA=END
END
  refused 78 "not a Callsheet store" callsheet add -- true
  [[ $(mdb_dump -p "$CALLSHEET_LOCATION/default.callsheet" | grep -c value) == 1 ]]
}

@test "a corrupt store is refused and left as it is" {
  storeIsDamaged=1
  mkdir -m 700 "$CALLSHEET_LOCATION/default.callsheet"
  head -c 20000 /dev/urandom >"$CALLSHEET_LOCATION/default.callsheet/data.mdb"
  cp "$CALLSHEET_LOCATION/default.callsheet/data.mdb" "$BATS_TEST_TMPDIR/before"
  refused 65 "data.mdb" callsheet add -- true
  refused 65 "data.mdb" timeout 20 callsheet principal
  refused 65 "data.mdb" callsheet check
  cmp "$CALLSHEET_LOCATION/default.callsheet/data.mdb" "$BATS_TEST_TMPDIR/before"
}

@test "a store that is open to others is refused with the cure" {
  callsheet add -- true
  chmod 755 "$CALLSHEET_LOCATION/default.callsheet"
  refused 77 "chmod 700" callsheet list
  chmod 700 "$CALLSHEET_LOCATION/default.callsheet"
  endsWith 0 callsheet list
}

@test "a store of a wrong owner is refused" {
  [[ $(id -u) == 0 ]] || skip "only root can make a store somebody else's"
  callsheet add -- true
  chown -R 4711 "$CALLSHEET_LOCATION/default.callsheet"
  refused 77 "belongs to user 4711" callsheet list
  refused 77 "belongs to user 4711" callsheet add -- true
  refused 77 "belongs to user 4711" timeout 20 callsheet principal
  chown -R 0 "$CALLSHEET_LOCATION/default.callsheet"
}

@test "a remote filesystem, as any that is not known to keep locks, is refused" {
  refused 78 "filesystem" callsheet --location /proc add -- true
  refused 78 "filesystem" timeout 20 callsheet --location /proc principal
}

@test "a location that is a file is refused" {
  touch "$BATS_TEST_TMPDIR/file"
  refused 74 "$BATS_TEST_TMPDIR/file" callsheet --location "$BATS_TEST_TMPDIR/file" add -- true
}

@test "an unreadable store is refused with what to do" {
  playSomebodyElse
  "${as[@]}" mkdir "$place/jobs"
  export CALLSHEET_LOCATION=$place/jobs
  storeIsDamaged=1
  "${as[@]}" "$place/callsheet" add -- true || skip "nobody else can run the command here"
  chmod 0000 "$place/jobs/default.callsheet/data.mdb"
  for command in "add -- true" list check principal; do
    # shellcheck disable=SC2086
    refused 77 "; run \`chmod 600\` on it as the store's owner" "${as[@]}" "$place/callsheet" $command
  done
  chmod 0600 "$place/jobs/default.callsheet/data.mdb"
  "${as[@]}" "$place/callsheet" check
}

@test "a newer store is refused and not touched" {
  callsheet add -- true
  storeIsDamaged=1
  "$CALLSHEET_TEST_BINARIES/store_test" --role raises-format "store=$CALLSHEET_LOCATION/default.callsheet" </dev/null
  cp "$CALLSHEET_LOCATION/default.callsheet/data.mdb" "$BATS_TEST_TMPDIR/before"
  refused 78 "upgrade" callsheet add -- true
  refused 78 "upgrade" callsheet list
  refused 78 "upgrade" callsheet principal
  cmp "$CALLSHEET_LOCATION/default.callsheet/data.mdb" "$BATS_TEST_TMPDIR/before"
}

@test "a record that does not check is said so by reading and writing alike" {
  id=$(callsheet add --kind some/kind)
  storeIsDamaged=1
  # One letter of the job's row, wherever it stands.
  sed -i 's#some/kind#some/kinx#g' "$CALLSHEET_LOCATION/default.callsheet/data.mdb"
  refused 65 "a record of type" callsheet show "$id"
  refused 65 "a record of type" callsheet cancel "$id"
  endsWith 0 callsheet list
  [[ $stderr == *"cannot be read"* ]]
}

@test "a process of another PID namespace is refused" {
  startPrincipal
  elsewhere=(unshare --fork --pid --mount-proc)
  "${elsewhere[@]}" true 2>/dev/null || skip "a PID namespace cannot be made here"
  id=$(callsheet add -- true)
  for command in "assistant foreigner" principal "add -- true" list check "backup $BATS_TEST_TMPDIR/copy" "wait $id"; do
    # shellcheck disable=SC2086
    refused 78 "PID namespace" "${elsewhere[@]}" callsheet $command
  done
  [[ ! -e $BATS_TEST_TMPDIR/copy ]]
  endsWith 0 callsheet wait "$id" --timeout 20
  [[ $(callsheet list --json | jq '.jobs | length') == 1 ]]
}

@test "output that cannot be written is an error" {
  callsheet add -- true
  [[ -w /dev/full ]] || skip "there is no /dev/full here"
  run bash -c 'callsheet list >/dev/full'
  [[ $status == 74 ]]
}

# fillDisk PRINCIPAL: adds jobs in a small filesystem until it is full, perhaps with a principal running; then compares
# what was acknowledged with what is in the store. $status is the code of the add that was refused.
fillDisk() {
  mkdir "$BATS_TEST_TMPDIR/small"
  unshare --user --map-root-user --mount true 2>/dev/null || skip "a mount namespace cannot be made here"
  # shellcheck disable=SC2016
  run --separate-stderr unshare --user --map-root-user --mount bash -c '
    mount -t tmpfs -o size=2m tmpfs "$1" || exit 99
    export CALLSHEET_LOCATION=$1
    if [[ -n $3 ]]; then callsheet principal 2>"$2.log" 3>&- & fi
    until callsheet add --kind a >"$2.ids"; do :; done
    { printf "\""; head -c 300000 /dev/zero | tr "\0" a; printf "\""; } >"$2"
    for i in 1 2 3 4 5 6 7 8; do callsheet add --kind a --params-file "$2" >>"$2.ids" || { code=$?; break; }; done
    callsheet list --json | jq -r ".jobs[].id" | sort | diff - <(sort "$2.ids") >&2 || exit 98
    callsheet check >&2 || exit 97
    if [[ -n $3 ]]; then
      [[ $(callsheet directors --json | jq ".directors[0].alive") == true ]] || exit 96
      kill -TERM %1 && wait %1 || exit 95
    fi
    exit "${code-0}"' bash "$BATS_TEST_TMPDIR/small" "$BATS_TEST_TMPDIR/large" "$1"
  [[ $status != 99 ]] || skip "no tmpfs can be mounted here"
  [[ $status == 73 ]] || { echo "exit $status: $stderr"; return 1; }
}

@test "a full disk is said so and loses nothing" {
  fillDisk ''
}

@test "a full disk under a running principal loses nothing" {
  fillDisk principal
}
