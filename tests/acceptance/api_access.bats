# Who may call the API and how: sockets, token, Host and Origin, and the answers of HTTP itself.
load helper
load api_helper

setup() { callsheetSetup; }

# tcp CURL_ARGUMENT...: a GET of what is defined over TCP with nothing but these; sets $code and $body.
tcp() {
  body=$(curl -sS --max-time 20 -w '\n%{http_code}' "$@" "$url/v1/definitions")
  code=${body##*$'\n'}
  body=${body%$'\n'*}
}
# said NAME: that header of the answer whose head is in $head.
said() { tr -d '\r' <"$head" | sed -n "s/^$1: //Ip"; }

# endsOnItsOwn CODE TEXT COMMAND...: within its time, and stderr says so.
endsOnItsOwn() {
  endsWith "$1" timeout 20 "${@:3}"
  [[ $stderr == *"$2"* ]] || { echo "stderr is without '$2': $stderr" >&2; return 1; }
}

@test "over TCP only the right token leads to anything" {
  serve
  bearer="Authorization: Bearer $(<"$token")"
  tcp -H "$bearer"
  [[ $code == 200 ]]
  for wrong in "X-Nothing: said" "Authorization: Bearer x" "Authorization: Bearer" "Authorization: Basic $(<"$token")" "${bearer}0" "${bearer%?}"; do
    tcp -H "$wrong"
    isError 401 http/unauthorized Bearer
  done
  head=$BATS_TEST_TMPDIR/head
  tcp -D "$head"
  [[ $(said WWW-Authenticate) == Bearer ]]
  # Nor does any route, known or not.
  for path in /rpc /v1/jobs /openapi.json /nowhere; do
    [[ $(curl -sS --max-time 20 -o /dev/null -w '%{http_code}' "$url$path") == 401 ]]
  done
  over=tcp ask GET /openapi.json
  [[ $code == 200 ]]
}

@test "with --no-auth TCP clients need no token, but the right Host and no Origin" {
  serve --no-auth
  [[ ! -e $token ]]
  tcp
  [[ $code == 200 ]]
  tcp -H "Host: evil.example"
  isError 403 http/forbidden-host Host
  tcp -H "Origin: http://evil.example"
  isError 403 http/forbidden-origin Origin
}

@test "a page of another origin and a name that was bound to this address are refused, token or not" {
  serve
  bearer="Authorization: Bearer $(<"$token")"
  for origin in http://evil.example null "$url"; do
    tcp -H "$bearer" -H "Origin: $origin"
    isError 403 http/forbidden-origin Origin
  done
  for host in evil.example "evil.example:${url##*:}" 127.0.0.1.evil.example 127.0.0.1:x 127.0.0.1:99999 192.168.0.1; do
    tcp -H "$bearer" -H "Host: $host"
    isError 403 http/forbidden-host Host
  done
  for host in localhost LOCALHOST "localhost:${url##*:}" 127.0.0.1 '[::1]' '[::1]:80'; do
    tcp -H "$bearer" -H "Host: $host"
    [[ $code == 200 ]]
  done
  # A browser asks first whether it may.
  [[ $(curl -sS --max-time 20 -X OPTIONS -o /dev/null -w '%{http_code}' -H 'Origin: http://evil.example' -H 'Access-Control-Request-Method: POST' "$url/rpc") == 403 ]]
}

@test "the socket and the token are their user's alone, whatever the umask says" {
  umask 0
  serve
  [[ $(stat -c '%a %F' "$socket") == "600 socket" && $(stat -c '%a %F' "$token") == "600 regular file" ]]
  [[ $(<"$token") =~ ^[0-9a-f]{64}$ ]]
}

@test "the token stays the same for the next principal, and may be in a file of one's own" {
  serve
  first=$(<"$token")
  killPrincipal
  serve
  [[ $(<"$token") == "$first" ]]
  killPrincipal
  (umask 077 && echo "a-token-of-my-own" >"$BATS_TEST_TMPDIR/own")
  serve --token-file "$BATS_TEST_TMPDIR/own"
  tcp -H "Authorization: Bearer a-token-of-my-own"
  [[ $code == 200 ]]
  tcp -H "Authorization: Bearer $first"
  isError 401 http/unauthorized ""
  killPrincipal
  chmod 644 "$BATS_TEST_TMPDIR/own"
  run --separate-stderr timeout 20 callsheet principal --listen 127.0.0.1:0 --token-file "$BATS_TEST_TMPDIR/own"
  [[ $status -ne 0 && $status -ne 124 && $stderr == *"open to other users"* ]]
}

@test "another user cannot connect to the socket" {
  other=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  "${other[@]}" true 2>/dev/null || skip "nobody else can run the command here"
  # Where others than root can go.
  place=$(mktemp -d /tmp/callsheet-api.XXXXXX)
  chmod 755 "$place"
  CALLSHEET_LOCATION=$place
  serve
  connects() { "${other[@]}" curl -sS --max-time 20 -o /dev/null -w '%{http_code}' --unix-socket "$socket" http://localhost/openapi.json; }
  # Neither through the directory,
  run --separate-stderr connects
  [[ $status -ne 0 && $output == 000 ]]
  # nor when somebody opens that, nor when somebody opens the socket, though the kernel lets them connect then.
  chmod 755 "$place/default.callsheet"
  run --separate-stderr connects
  [[ $status -ne 0 && $output == 000 ]]
  chmod 666 "$socket"
  run --separate-stderr connects
  [[ $output == 403 ]]
  chmod 700 "$place/default.callsheet"
  ask GET /openapi.json
  [[ $code == 200 ]]
}

teardown() {
  callsheetTeardown
  [[ -z ${place-} ]] || rm -rf "$place"
}

@test "only loopback addresses are listened at" {
  for address in 0.0.0.0:0 0.0.0.0:1 192.168.0.1:8080 '[::]:0' example.com:80 :80 80 127.0.0.1 127.0.0.1:x 127.0.0.1:70000; do
    endsOnItsOwn 2 "'$address' is no address to listen at" callsheet principal --listen "$address"
  done
}

@test "IPv6's loopback is listened at as well" {
  [[ -s /proc/net/if_inet6 ]] || skip "there is no IPv6 here"
  startPrincipal --listen '[::1]:0'
  eventually daemonSaid "$daemon" "and http://[::1]:"
  url=$(sed -n 's/.* serving .* and \(http:.*\)/\1/p' "$BATS_TEST_TMPDIR/daemon.$daemon.log")
  tcp -g -H "Authorization: Bearer $(<"$CALLSHEET_LOCATION/default.callsheet/api.token")"
  [[ $code == 200 ]]
}

@test "a port that is taken ends the start with a clear sentence" {
  serve
  first=$daemon
  run --separate-stderr timeout 20 callsheet --id other principal --listen "${url#http://}"
  [[ $status -ne 0 && $status -ne 124 && $stderr == *"another process listens at ${url#http://}; stop it or use another port"* ]]
  [[ ! -S $CALLSHEET_LOCATION/other.callsheet/api.sock ]]
  # The first one goes on.
  ask GET /openapi.json
  [[ $code == 200 ]]
  isRunning "$first"
}

@test "without --listen there is the Unix socket alone, and no token" {
  startPrincipal
  eventually daemonSaid "$daemon" "serving "
  socket=$CALLSHEET_LOCATION/default.callsheet/api.sock
  ask GET /openapi.json
  [[ $code == 200 && ! -e $CALLSHEET_LOCATION/default.callsheet/api.token ]]
  refute daemonSaid "$daemon" http://
  kill -TERM "$daemon"
  wait "$daemon"
  [[ ! -e $socket ]]
}

@test "a body of more than 1 MiB is refused, one of just as much is not" {
  serve
  define
  for over in unix tcp; do
    # Of a size in bytes, with a task's params in it.
    sized() { awk -v size="$1" -v kind="$kind" 'BEGIN { head = "{\"method\":\"awf.task/create-and-execute\",\"params\":{\"definition\":\"" kind "\",\"params\":{\"a\":\""
      printf "%s%*s\"}}}", head, size - length(head) - 4, "" }'; }
    sized $((1024 * 1024)) >"$BATS_TEST_TMPDIR/large"
    [[ $(stat -c %s "$BATS_TEST_TMPDIR/large") == 1048576 ]]
    ask POST /rpc --data-binary @"$BATS_TEST_TMPDIR/large" -o /dev/null
    [[ $code == 200 ]]
    echo >>"$BATS_TEST_TMPDIR/large"
    for how in "X-Length: said" "Expect:" "Transfer-Encoding: chunked"; do
      ask POST /rpc --data-binary @"$BATS_TEST_TMPDIR/large" -H "$how"
      isError 413 http/too-large larger
    done
  done
}

@test "what is not there, and what cannot be done to it, is answered with 404 and 405" {
  serve
  for path in /nowhere /v1 /v1/jobs/a/b /rpc/ /RPC; do
    ask GET "$path"
    isError 404 http/not-found ""
  done
  head=$BATS_TEST_TMPDIR/head
  ask GET /rpc -D "$head"
  isError 405 http/method-not-allowed POST
  [[ $(said Allow) == POST ]]
  ask DELETE /v1/jobs -D "$head"
  isError 405 http/method-not-allowed "GET, POST"
  [[ $(said Allow) == "GET, POST" ]]
  ask PATCH "/v1/definitions/$kind" -D "$head"
  [[ $code == 405 && $(said Allow) == "GET, DELETE" ]]
}

@test "a type that is neither JSON nor YAML is refused, in the request and for the answer" {
  serve
  for type in text/plain application/xml "application/json; charset=latin1"; do
    ask POST /rpc -H "Content-Type: $type" -d '{"method": "awf.task/list"}'
    isError 415 http/unsupported-media-type "text/yaml"
  done
  ask POST /rpc -H 'Content-Type: application/json; charset=UTF-8' -d '{"method": "awf.task/list"}'
  [[ $code == 200 ]]
  for accept in text/html 'image/*' 'application/json;q=0'; do
    ask POST /rpc -H "Accept: $accept" -d '{"method": "awf.task/list"}'
    isError 406 http/not-acceptable "text/yaml"
  done
  for accept in '*/*' 'text/html, */*;q=0.1' application/yaml; do
    ask POST /rpc -H "Accept: $accept" -d '{"method": "awf.task/list"}'
    [[ $code == 200 ]]
  done
}

@test "nothing is done for a request whose answer could not be read" {
  serve
  define
  ask POST /rpc -H "Accept: text/html" -d "$(request awf.task/create-and-execute "{\"definition\": \"$kind\"}")"
  [[ $code == 406 && $(result awf.task/list '{}' '.resources | length') == 0 ]]
}

@test "a connection serves many requests, each with an id of its own that the log knows" {
  serve --log-level debug
  define
  for to in "--unix-socket $socket http://localhost" "$url"; do
    # shellcheck disable=SC2086
    curl -sS --max-time 20 -v -H "Authorization: Bearer $(<"$token")" $to/v1/definitions -: \
      -sS --max-time 20 -v -H "Authorization: Bearer $(<"$token")" $to/nowhere -: \
      -sS --max-time 20 -v -H "Authorization: Bearer $(<"$token")" -d '{"method": "awf.task/list"}' $to/rpc >/dev/null 2>"$BATS_TEST_TMPDIR/said"
    [[ $(grep -c 'Re-using existing connection' "$BATS_TEST_TMPDIR/said") == 2 ]]
    mapfile -t ids < <(tr -d '\r' <"$BATS_TEST_TMPDIR/said" | sed -n 's/^< X-Request-Id: //p')
    [[ ${#ids[@]} == 3 && $(printf '%s\n' "${ids[@]}" | sort -u | wc -l) == 3 ]]
    for id in "${ids[@]}"; do eventually daemonSaid "$daemon" "request $id "; done
    daemonSaid "$daemon" "request ${ids[1]} GET /nowhere 404 "
  done
  # What is secret is not logged.
  refute daemonSaid "$daemon" "$(<"$token")"
}

@test "HEAD answers as GET does, without the body" {
  serve
  define
  head=$BATS_TEST_TMPDIR/head
  for path in /v1/definitions /openapi.json "/v1/definitions/$kind"; do
    length=$(http GET "$path" | wc -c)
    http HEAD "$path" -I -D "$head" -o "$BATS_TEST_TMPDIR/body" -w '%{size_download}' >"$BATS_TEST_TMPDIR/size"
    [[ $(head -n 1 "$head") == "HTTP/1.1 200 "* && $(said Content-Length) == "$length" && $(<"$BATS_TEST_TMPDIR/size") == 0 ]]
  done
}

@test "openapi.json describes every route" {
  serve
  [[ $(http GET /openapi.json | jq -r '.paths | keys | sort | join(" ")') == "/ /api/v1/tasks /api/v1/tasks/{id} /api/v1/tasks/{id}/executions /api/v1/tasks/{id}/run /api/v1/tasks/{id}/status /api/v1/tasks/{id}/status/{action} /openapi.json /public/director/{file} /rpc /v1/ /v1/definitions /v1/definitions/{kind} /v1/firings /v1/jobs /v1/jobs/{id} /v1/jobs/{id}/cancel /v1/jobs/{id}/log /v1/jobs/{id}/retry /v1/queues /v1/queues/{queue} /v1/schedules /v1/schedules/{schedule} /v1/schedules/{schedule}/jobs /v1/schedules/{schedule}/pause /v1/schedules/{schedule}/reset /v1/schedules/{schedule}/resume /v1/schedules/{schedule}/run /v1/schema /v1/tasks /v1/tasks/{id} /v1/tasks/{id}/output /v1/tasks/{id}/stop" ]]
}

@test "a client that sends half a request, or none, costs nothing" {
  serve
  define
  exec 5<>"/dev/tcp/127.0.0.1/${url##*:}" 6<>"/dev/tcp/127.0.0.1/${url##*:}"
  printf 'POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Le' >&5
  create
  exec 5>&- 6>&-
  create
  take
}

@test "a name longer than any that is kept is not found, and the principal goes on" {
  serve
  callsheet queue add imports --parallel 1
  callsheet schedule add tick 'every 1h' -- /bin/true
  define
  long=$(printf 'a%.0s' {1..600})
  for call in "GET "{/v1/definitions,/v1/queues,/v1/schedules,/api/v1/tasks}/"$long" "GET /v1/schedules/$long/jobs" \
    "DELETE /v1/definitions/$long"; do
    # shellcheck disable=SC2086
    ask $call
    [[ $code == 404 ]] || { echo "${call%%aaa*}: $code $body" >&2; return 1; }
  done
  for call in {PUT,DELETE}" /v1/queues/$long" "DELETE /v1/schedules/$long"; do
    # shellcheck disable=SC2086
    ask $call -d '{}'
    [[ $code == 422 ]] || { echo "${call%%aaa*}: $code $body" >&2; return 1; }
  done
  ask GET /v1/schedules/tick
  [[ $code == 200 ]]
}
