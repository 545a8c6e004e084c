# A daemon as a service: readiness, watchdog and stopping, as sd_notify(3) describes them.
load helper

# Listens on the socket and writes each datagram as lines to a file.
# shellcheck disable=SC2016
listener='
use IO::Socket::UNIX;
my ($path, $file) = @ARGV;
$path =~ s/^@/\0/;
my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $path) or die "no socket: $!";
open(my $out, ">", $file) or die;
$out->autoflush(1);
print $out "LISTENING\n";
while (defined($socket->recv(my $text, 4096))) { print $out "$text\n"; }
'

# listen SOCKET: its datagrams go to $heard.
listen() {
  heard=$BATS_TEST_TMPDIR/heard
  perl -e "$listener" "$1" "$heard" 3>&- &
  daemons+=("$!")
  eventually grep -q LISTENING "$heard"
}

heardLine() { grep -q -- "$1" "$heard"; }

# watchdogIsFed: whether the supervisor hears of it within two seconds, twenty times as long as that should take.
watchdogIsFed() { timeout 2 tail -n 0 -f "$heard" | grep -q '^WATCHDOG=1$'; }
watchdogStarves() { ! watchdogIsFed; }

# supervisedPrincipal ARGUMENTS...: a principal whose watchdog is to be fed every tenth of a second.
supervisedPrincipal() {
  listen "$BATS_TEST_TMPDIR/notify"
  NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify WATCHDOG_USEC=200000 daemon principal "$@"
  eventually heardLine '^READY=1$'
}

# threadNamed PID NAME: the id of that thread.
threadNamed() { grep -lx "$2" /proc/"$1"/task/*/comm | sed 's#.*/task/##; s#/comm##'; }

setup() {
  command -v perl >/dev/null || skip "perl is not installed, which plays the supervisor here"
  callsheetSetup
}

@test "a principal reports that it is ready and that it stops" {
  listen "$BATS_TEST_TMPDIR/notify"
  NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify daemon principal
  eventually heardLine '^READY=1$'
  # Ready means that it is the principal.
  directorIsListed principal
  kill -TERM "$daemon"
  wait "$daemon"
  eventually heardLine '^STOPPING=1$'
  refute heardLine WATCHDOG
}

@test "a daemon reports to an abstract socket as well" {
  listen "@callsheet-$BATS_TEST_NUMBER-$$"
  NOTIFY_SOCKET=@callsheet-$BATS_TEST_NUMBER-$$ daemon assistant someone
  eventually heardLine '^READY=1$'
}

@test "a principal with Type=notify and watchdog feeds it as long as it runs" {
  supervisedPrincipal
  eventually bash -c '[[ $(grep -c "^WATCHDOG=1$" "$0") -ge 3 ]]' "$heard"
}

@test "a watchdog starves while the daemon's loop stands still, and is fed again when it goes on" {
  supervisedPrincipal
  watchdogIsFed
  # The director's; the API has one of its own, which began later.
  loop=$(threadNamed "$daemon" callsheet-loop | head -n 1)
  "$CALLSHEET_TEST_BINARIES/process_test" --role freezes-thread "thread=$loop" </dev/null 3>&- &
  freezer=$!
  daemons+=("$freezer")
  eventually isFrozenOrNotAllowed
  isRunning "$freezer" || skip "one process may not trace another here, which is how a single thread is stopped"
  # It has ten seconds.
  waitUntil 30 watchdogStarves
  isRunning "$daemon"
  kill -KILL "$freezer"
  eventually watchdogIsFed
}

@test "a watchdog starves while a commit gets no answer, and is fed again when it got one" {
  supervisedPrincipal --writer-limit 1s
  mkfifo "$BATS_TEST_TMPDIR/gate"
  id=$(callsheet add -- sh -c 'read -r x <"$0"' "$BATS_TEST_TMPDIR/gate")
  eventually hasState "$id" in-progress
  principal=$daemon
  stoppedAt commit.applied assistant holder --never-kill-me
  # The job ends, and its end cannot be stored. That has twenty seconds and the writer's limit.
  echo go >"$BATS_TEST_TMPDIR/gate"
  waitUntil 40 watchdogStarves
  isRunning "$principal"
  hasState "$id" in-progress
  kill -CONT "$daemon"
  eventually watchdogIsFed
  callsheet wait "$id" --timeout 20
}

@test "a watchdog that is meant for another process is left alone" {
  listen "$BATS_TEST_TMPDIR/notify"
  NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify WATCHDOG_USEC=20000 WATCHDOG_PID=1 daemon principal
  eventually heardLine '^READY=1$'
  callsheet wait "$(callsheet add -- true)" --timeout 20
  refute heardLine WATCHDOG
}

@test "commands do not see the supervisor's variables" {
  listen "$BATS_TEST_TMPDIR/notify"
  NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify WATCHDOG_USEC=60000000 daemon principal
  id=$(callsheet add -- sh -c 'echo "${NOTIFY_SOCKET-none}${WATCHDOG_USEC-none}"')
  callsheet wait "$id" --timeout 20
  [[ $(callsheet log --output "$id") == nonenone ]]
}

@test "a principal that is refused does not report that it is ready" {
  startPrincipal
  listen "$BATS_TEST_TMPDIR/notify"
  NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify endsWith 75 timeout 20 callsheet principal
  refute heardLine READY
}

@test "the log of a daemon has its times in UTC and keeps to its level" {
  startPrincipal --log-level warning
  quiet=$daemon
  kill -HUP "$quiet"
  eventually daemonSaid "$quiet" HUP
  run cat "$BATS_TEST_TMPDIR/daemon.$quiet.log"
  [[ $output =~ ^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z\ warn ]]
  [[ $output != *" info "* ]]
}

@test "TERM and HUP are heard at once while a daemon waits for the store at its start" {
  command -v mdb_load >/dev/null || skip "lmdb-utils are not installed, which hold the write lock here"
  callsheet add -- true
  # Somebody else's write that does not end: it waits for more of its input.
  mkfifo "$BATS_TEST_TMPDIR/input"
  mdb_load -T "$CALLSHEET_LOCATION/default.callsheet" <"$BATS_TEST_TMPDIR/input" 3>&- &
  writer=$!
  daemons+=("$writer")
  exec 9>"$BATS_TEST_TMPDIR/input"
  printf 'VERSION=3\nformat=print\ntype=btree\nHEADER=END\n' >&9
  eventually isBlocked
  daemon principal
  eventually catchesTerm "$daemon"
  kill -HUP "$daemon"
  eventually daemonSaid "$daemon" HUP
  kill -TERM "$daemon"
  waitUntil 8 hasEnded "$daemon"
  status=0
  wait "$daemon" || status=$?
  exec 9>&-
  kill -KILL "$writer" 2>/dev/null || true
  wait "$writer" || true
  [[ $status == 143 ]]
  # Nothing is in its way afterwards.
  startPrincipal
}

# isBlocked: whether nobody can write now.
isBlocked() { ! timeout 1 callsheet add -- true >/dev/null; }
# catchesTerm PID: the daemon has come to where it hears signals.
catchesTerm() { [[ $((0x$(sed -n 's/^SigBlk:\t//p' "/proc/$1/status") & 0x4000)) != 0 ]]; }
# isFrozenOrNotAllowed: whether the freezer has stopped the loop's thread, or has given up.
isFrozenOrNotAllowed() {
  hasEnded "$freezer" || [[ $(sed 's/.*) //; s/ .*//' "/proc/$daemon/task/$loop/stat") == t ]]
}
