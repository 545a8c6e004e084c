# What the .bats files about the API share: a principal that serves it, and calls with curl as a user would make them.
#
# shellcheck disable=SC2034,SC2154
#
# A call goes over the Unix socket, or over TCP where `over=tcp`; in JSON, or in YAML where `encoding=yaml`.

# The acceptance cases' definition. Its times are long, as a busy machine needs them; who tests one shortens that one.
kind=aidbox.bulk/import-resource-task
times='"requestedToStartTimeout": 60000, "inProgressTimeout": 60000, "allowedRetryCount": 2, "retryDelay": 200'
# And what a task of it is given.
organization='{"type": "aidbox", "input": {"url": "https://example.com/100/Organization.ndjson.gz", "resourceType": "Organization"}}'
uuid='^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'

# serve ARGUMENTS...: a principal on both sockets; $socket, $url and $token lead to it.
serve() {
  daemon principal --listen 127.0.0.1:0 "$@"
  eventually daemonSaid "$daemon" "serving "
  socket=$CALLSHEET_LOCATION/default.callsheet/api.sock
  token=$CALLSHEET_LOCATION/default.callsheet/api.token
  url=$(sed -n 's/.* serving .* and \(http:.*\)/\1/p' "$BATS_TEST_TMPDIR/daemon.$daemon.log")
}

# killPrincipal: with no chance to do anything.
killPrincipal() {
  kill -KILL "$daemon"
  wait "$daemon" || true
}

# http METHOD PATH [CURL_ARGUMENT...]: the answer's body.
http() {
  local method=$1 path=$2
  shift 2
  if [[ ${over-} == tcp ]]; then
    curl -sS --max-time 90 -X "$method" -H "Authorization: Bearer $(<"$token")" "$@" "$url$path"
  else
    curl -sS --max-time 90 -X "$method" --unix-socket "$socket" "$@" "http://localhost$path"
  fi
}

# ask METHOD PATH [CURL_ARGUMENT...]: the answer's status is $code then, its body $body.
ask() {
  body=$(http "$@" -w '\n%{http_code}')
  code=${body##*$'\n'}
  body=${body%$'\n'*}
}

# asYaml JSON: the same in YAML's block style.
asYaml() {
  jq -r 'def lines: if type == "object" and . != {} then to_entries[]
        | "\(.key | tojson):" as $key | .value
        | if (type == "object" or type == "array") and length > 0 then $key, (lines | "  " + .) else "\($key) \(tojson)" end
      elif type == "array" and . != [] then .[] | [lines] | "- " + .[0], (.[1:][] | "  " + .)
      else tojson end;
    lines' <<<"$1"
}

# send TEXT [CURL_ARGUMENT...]: a request's body to /rpc, JSON or YAML; sets $code and $body.
send() {
  local text=$1 type=application/json
  shift
  if [[ ${encoding-} == yaml ]]; then type=text/yaml; fi
  ask POST /rpc -H "Content-Type: $type" --data-binary "$text" "$@"
}

# request METHOD [PARAMS]: a call's body.
request() { printf '{"method": "%s", "params": %s}' "$1" "${2-null}"; }

# rpc METHOD [PARAMS]: calls it, in JSON; the body of the answer.
rpc() { http POST /rpc -H 'Content-Type: application/json' --data-binary "$(request "$@")"; }

# result METHOD PARAMS FILTER: what jq's filter finds in the call's result; fails when it has none.
result() {
  local answer
  answer=$(rpc "$1" "$2")
  if [[ -z $answer ]] || ! jq -r "if has(\"result\") then .result | $3 else error(\"no result\") end" <<<"$answer"; then
    echo "$1 $2 answered: $answer" >&2
    return 1
  fi
}

# refused STATUS TYPE TEXT METHOD [PARAMS]: the call is answered so, with a sentence that contains the text. The type may
# be a pattern.
refused() {
  send "$(request "${@:4}")"
  isError "$1" "$2" "$3"
}

# holds [JQ_OPTION...] FILTER: whether it holds for the JSON on stdin; shows that when not. Unlike `jq -e`, which is content
# with nothing, it wants some.
holds() {
  local json
  json=$(cat)
  if [[ -z $json ]] || ! jq -e "$@" <<<"$json" >/dev/null; then
    echo "'${*: -1}' does not hold for: $json" >&2
    return 1
  fi
}

# isError STATUS TYPE TEXT: whether the last answer is that and nothing else.
isError() {
  local type="\"type\":\"($2)\"" message='"message":".*"'
  # The order of the two says nothing.
  local shape="^\\{\"error\":\\{($type,$message|$message,$type)\\}\\}[[:space:]]*$"
  if [[ $code != "$1" || ! $body =~ $shape || $body != *"$3"* ]]; then
    echo "instead of $1 $2 '$3' the answer is $code $body" >&2
    return 1
  fi
}

# define [SETTINGS] [KIND]: in JSON without its braces, `times` are the usual ones; replaces what was defined.
define() {
  ask POST /v1/definitions -H 'Content-Type: application/json' \
    -d "{\"kind\": \"${2-$kind}\", \"runner\": \"remote\", ${1-$times}}"
  [[ $code == 20[01] ]] || { echo "defining is answered by $code $body" >&2; return 1; }
}

# inside NAME METHOD PARAMS: what the call's result has under its only name. jq would do; this is many times faster.
inside() {
  local answer before="{\"result\":{\"$1\":"
  answer=$(rpc "$2" "$3")
  if [[ $answer != "$before"*"}}" ]]; then
    echo "$2 $3 answered: $answer" >&2
    return 1
  fi
  answer=${answer#"$before"}
  printf '%s\n' "${answer%\}\}}"
}

# textOf NAME JSON: the text of the first field of that name.
textOf() {
  [[ $2 =~ \"$1\":\"([^\"]*)\" ]] || { echo "there is no $1 in: $2" >&2; return 1; }
  printf '%s\n' "${BASH_REMATCH[1]}"
}

# create [PARAMS] [MORE] [KIND]: makes a task, the more in JSON without braces; its id.
create() {
  local made
  made=$(inside resource awf.task/create-and-execute "{\"definition\": \"${3-$kind}\"${2:+, $2}, \"params\": ${1-$organization}}")
  # The last id is its own; its params and its requester may have some as well.
  [[ $made =~ \"id\":\"([^\"]*)\"\}$ ]] && echo "${BASH_REMATCH[1]}"
}

# poll [MAX] [KIND]: the tasks, as an array on one line.
poll() { inside resources awf.task/poll "{\"taskDefinitions\": [\"${2-$kind}\"], \"maxBatchSize\": ${1-1}}"; }

# longPoll MILLISECONDS [KIND]: the same, of whoever waits.
longPoll() { inside resources awf.task/long-poll "{\"taskDefinitions\": [\"${2-$kind}\"], \"timeout\": $1}"; }

# take [KIND]: polls one task, which must be there; $id and $exec are its ids, and $attempt both, as params.
take() {
  local tasks
  tasks=$(poll 1 "${1-$kind}")
  exec=$(textOf execId "$tasks")
  [[ $tasks =~ \"id\":\"([^\"]*)\"\}\]$ ]]
  id=${BASH_REMATCH[1]}
  attempt="\"id\": \"$id\", \"execId\": \"$exec\""
}

# start, succeed [RESULT]: of what was taken; the resource.
start() { inside resource awf.task/start "{$attempt}"; }
succeed() { inside resource awf.task/success "{$attempt, \"result\": ${1-null}}"; }

# resource ID: the task as `status` shows it. task ID FILTER: what jq's filter finds in it.
resource() { inside resource awf.task/status "{\"id\": \"$1\"}"; }
task() { resource "$1" | jq -r "$2"; }
# hasStatus ID STATUS: for waitUntil.
hasStatus() { [[ $(textOf status "$(resource "$1")") == "$2" ]]; }

# log ID FILTER: what jq's filter finds in the task's log.
log() { result awf.task/status "{\"id\": \"$1\", \"include-log\": true}" ".log | $2"; }

# now: in milliseconds. elapsed SINCE: how many have passed.
now() { echo $((${EPOCHREALTIME/./} / 1000)); }
elapsed() { echo $(($(now) - $1)); }
# millisOf TIME: of a time as the API shows it.
millisOf() { date -d "$1" +%s%3N; }

# letPass MILLISECONDS: nothing is waited for but the time, by a long-poll that is fed nothing.
letPass() { [[ $(longPoll "$1" nobody/defines-this) == "[]" ]]; }

# say WORDS...: shown by bats though the test succeeds, for figures.
say() { echo "# $*" >&3; }

# isBetween LEAST NUMBER MOST: says the number when it is not.
isBetween() { (($1 <= $2 && $2 <= $3)) || { echo "$2 is not from $1 to $3" >&2; return 1; }; }

# callIn METHOD PARAMS: in the encoding; it must succeed, the answer is $body.
callIn() {
  local text
  text=$(request "$@")
  if [[ ${encoding-} == yaml ]]; then text=$(asYaml "$text"); fi
  send "$text"
  if [[ $code != 200 ]]; then
    echo "$text is answered by $code $body" >&2
    return 1
  fi
}

# value NAME: the first of that name in $body, in whichever encoding it is.
value() {
  if [[ ${encoding-} == yaml ]]; then
    sed -nE "s/^[- ]*$1: '?([^']*)'?\$/\1/p" <<<"$body" | head -n 1
  else
    jq -r --arg name "$1" 'first(.. | objects | select(has($name)) | .[$name])' <<<"$body"
  fi
}
