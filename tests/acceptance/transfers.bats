# Jobs that move files over HTTP in processes of their own, and the steps of job trees that start them.
load helper
load http_helper

setup() {
  callsheetSetup
  farSide
  target=$BATS_TEST_TMPDIR/target
}

# move KIND PATH [MORE]: adds a transfer of that kind; the more in JSON without braces. Its id.
move() {
  callsheet add --kind "callsheet.$1" --retries "${retries-2}" --retry-delay "${delay-100ms}" \
    --params "{\"url\":\"$far/$2\",\"path\":\"$target\"${3:+,$3}}"
}
# isContent SIZE [VERSION]: whether the target is that version of the far side's file, and nothing lies beside it.
isContent() {
  [[ $(sha256sum <"$target" | cut -d ' ' -f 1) == $(contentSum "$@") ]] && isAlone
}
contentSum() {
  python3 - "$1" "${2-1}" <<'EOF'
import hashlib, sys
size, version = int(sys.argv[1]), sys.argv[2]
blocks = (hashlib.sha256(f"{version}/{at}".encode()).digest() for at in range((size + 31) // 32))
print(hashlib.sha256(b"".join(blocks)[:size]).hexdigest())
EOF
}
isAlone() { [[ $(compgen -G "$target.part*" | wc -l) == 0 ]]; }
hasBytes() { [[ -e $1 && $(stat -c %s "$1") -ge $2 ]]; }
# note SYNCED [BOOT]: what stands beside a part of the file of 32000 bytes.
note() {
  printf '{"url":"%s","etag":"\\"v1\\"","boot":"%s","synced":%s}' "$far/file?size=32000&etag=v" \
    "${2-$(</proc/sys/kernel/random/boot_id)}" "$1" >"$target.part.etag"
}
# makePart BYTES: the beginning of that file, as an earlier attempt may have left it.
makePart() {
  python3 -c 'import hashlib, sys
data = b"".join(hashlib.sha256(f"1/{at}".encode()).digest() for at in range(1000))
sys.stdout.buffer.write(data[:int(sys.argv[1])])' "$1" >"$target.part"
}
# ranges PATH: what each request to it asked for.
ranges() { requests "$1" '[.headers.range, .headers["if-range"]]'; }
# makeFile BYTES: what is to be sent; its sum is $sum.
makeFile() {
  head -c "$1" /dev/urandom >"$target"
  sum=$(sha256sum <"$target" | cut -d ' ' -f 1)
}
# killShim ID: with it dies what it runs.
killShim() {
  local shim
  shim=$(pgrep -f "^callsheet-shim $1")
  kill -KILL "$shim"
  eventually hasEnded "$shim"
}

@test "a download is the far side's bytes, and its result says where, how many and of which version" {
  startPrincipal
  id=$(move download 'file?size=300000&etag=v')
  ends 0 "$id"
  isContent 300000
  [[ $(field "$id" '.result | tojson') == "{\"path\":\"$target\",\"bytes\":300000,\"etag\":\"\\\"v1\\\"\"}" ]]
  [[ $(requests '/file?size=300000&etag=v' '[.method, .headers["idempotency-key"], .headers["accept-encoding"]]') == "[\"GET\",\"$id\",\"identity\"]" ]]
  # An empty one is one too, and what was there is replaced.
  ends 0 "$(move download 'file?size=0')"
  isContent 0
}

@test "a download that was cut goes on where it stopped, while the version is the same" {
  startPrincipal
  id=$(move download 'file?size=2000000&etag=v&cut=700000')
  ends 0 "$id"
  isContent 2000000
  [[ $(field "$id" .attempt) == 2 ]]
  mapfile -t asked < <(ranges '/file?size=2000000&etag=v&cut=700000')
  [[ ${asked[0]} == '[null,null]' && ${asked[1]} == '["bytes=700000-","\"v1\""]' && ${#asked[@]} == 2 ]]
}

@test "a download whose version has changed begins anew and mixes nothing" {
  startPrincipal
  ends 0 "$(move download 'file?size=2000000&etag=v&changes=1&cut=700000')"
  isContent 2000000 2
  [[ $(ranges '/file?size=2000000&etag=v&changes=1&cut=700000' | tail -n 1) == '["bytes=700000-","\"v1\""]' ]]
}

@test "a download without a version to name, or with a weak one, or of a far side without ranges begins anew" {
  startPrincipal
  ends 0 "$(move download 'file?size=900000&cut=700000')"
  isContent 900000
  [[ $(ranges '/file?size=900000&cut=700000' | sort -u) == '[null,null]' ]]
  ends 0 "$(move download 'file?size=900000&etag=v&weak=W/&cut=700000')"
  isContent 900000
  [[ $(ranges '/file?size=900000&etag=v&weak=W/&cut=700000' | sort -u) == '[null,null]' ]]
  ends 0 "$(move download 'file?size=900000&etag=v&deaf=1&cut=700000')"
  isContent 900000
}

@test "a part that was whole already is asked for no more than once and put in its place" {
  startPrincipal
  makePart 32000
  note 0
  ends 0 "$(move download 'file?size=32000&etag=v')"
  isContent 32000
  [[ $(ranges '/file?size=32000&etag=v') == '["bytes=32000-","\"v1\""]' ]]
  # One that is longer than what is there now is none of it.
  head -c 40000 /dev/zero >"$target.part"
  note 0
  ends 0 "$(move download 'file?size=32000&etag=v')"
  isContent 32000
}

@test "a download whose shim is killed goes on where it stopped" {
  startPrincipal
  id=$(move download 'file?size=3000000&etag=v&pause=0.05')
  eventually hasBytes "$target.part" 500000
  killShim "$id"
  ends 0 "$id"
  isContent 3000000
  [[ $(field "$id" .failures) == 1 && $(requestCount '/file?size=3000000&etag=v&pause=0.05') == 2 ]]
  [[ $(ranges '/file?size=3000000&etag=v&pause=0.05' | tail -n 1) == '["bytes='* ]]
}

@test "a download goes on while there is no principal, and the next one finds it done" {
  startPrincipal
  id=$(move download 'file?size=2000000&etag=v&pause=0.05')
  eventually hasBytes "$target.part" 200000
  kill -KILL "$daemon"
  eventually isContent 2000000
  hasState "$id" in-progress
  startPrincipal
  ends 0 "$id"
  [[ $(field "$id" .attempt) == 1 && $(requestCount '/file?size=2000000&etag=v&pause=0.05') == 1 ]]
}

@test "a download that has another checksum is no file, and one that has it is" {
  startPrincipal
  echo before >"$target"
  retries=0
  id=$(move download 'file?size=10000' "\"sha256\":\"$(contentSum 10001)\"")
  ends 1 "$id"
  [[ $(field "$id" .failure.type) == checksum && $(<"$target") == before ]]
  isAlone
  ends 0 "$(move download 'file?size=10000' "\"sha256\":\"$(contentSum 10000)\"")"
  isContent 10000
}

@test "what can be no download fails at once and says why" {
  startPrincipal
  # refused PARAMETERS TYPE TEXT
  refused() {
    local id
    id=$(callsheet add --kind callsheet.download --retry-delay 10m --params "$1")
    ends 1 "$id"
    [[ $(field "$id" .failure.type) == "$2" && $(field "$id" .failure.message) == *"$3"* ]]
    [[ $(field "$id" .failure.origin) == callsheet.download ]]
  }
  refused "{\"url\":\"$far/file\",\"path\":\"relative\"}" payload 'whole path'
  refused "{\"url\":\"ftp://127.0.0.1/\",\"path\":\"$target\"}" payload 'http://'
  refused "{\"url\":\"$far/file\",\"path\":\"$target\",\"sha256\":\"12\"}" payload '64 hexadecimal'
  refused "{\"url\":\"$far/file\",\"path\":\"$target\",\"sum\":\"12\"}" payload "'sum'"
  refused "{\"url\":\"$far/file\",\"path\":\"$BATS_TEST_TMPDIR/no/where\"}" file 'No such file'
  refused "{\"url\":\"$far/missing\",\"path\":\"$target\"}" http '404: no such flow'
  refused "{\"url\":\"$far/loop\",\"path\":\"$target\"}" http 'redirect'
  refused "{\"url\":\"$far/file?size=200000\",\"path\":\"$target\",\"bytesMax\":100000}" http 'more than 100000 bytes'
  refused "{\"url\":\"$far/file\",\"path\":\"$target\",\"headers\":{\"X\":\"\${env:NO_SUCH}\"}}" http 'missing NO_SUCH'
  isAlone
  [[ ! -e $target ]]
}

@test "after a reboot a download goes on behind what is on the disk for certain" {
  startPrincipal
  makePart 20000
  printf 'what the disk did not get' | dd of="$target.part" bs=1 seek=19000 conv=notrunc status=none
  note 16000 00000000-0000-4000-8000-000000000000
  ends 0 "$(move download 'file?size=32000&etag=v')"
  isContent 32000
  [[ $(ranges '/file?size=32000&etag=v') == '["bytes=16000-","\"v1\""]' ]]
}

@test "what the last try of a download has left is where a retry by hand goes on" {
  startPrincipal
  retries=0
  id=$(move download 'file?size=2000000&etag=v&cut=700000')
  ends 1 "$id"
  [[ $(stat -c %s "$target.part") == 700000 && ! -e $target ]]
  ends 0 "$(callsheet retry "$id")"
  isContent 2000000
  [[ $(ranges '/file?size=2000000&etag=v&cut=700000' | tail -n 1) == '["bytes=700000-","\"v1\""]' ]]
}

@test "two downloads of one target do not mix: the second waits for its next try" {
  startPrincipal
  first=$(move download 'file?size=1000000&etag=v&pause=0.05')
  eventually hasBytes "$target.part" 100000
  retries=9 delay=500ms
  second=$(move download 'file?size=20000')
  eventually fieldIs "$second" .failures 1
  [[ $(callsheet show "$second") == *'another transfer writes'* ]]
  ends 0 "$first"
  ends 0 "$second"
  isContent 20000
}

@test "a download that is canceled leaves nothing" {
  startPrincipal
  id=$(move download 'file?size=9000000&etag=v&pause=0.2')
  eventually hasBytes "$target.part" 100000
  callsheet cancel "$id"
  ends 3 "$id" || [[ $(field "$id" .outcome) == canceled ]]
  eventually isAlone
  [[ ! -e $target ]]
}

@test "a download that is canceled between its tries leaves nothing, and takes nothing of another one" {
  startPrincipal
  delay=10m
  first=$(move download 'file?size=2000000&etag=v&cut=700000')
  eventually fieldIs "$first" .waitingFor backoff
  hasBytes "$target.part" 700000
  target=$target-2
  second=$(move download 'file?size=2000000&etag=v&cut=700000&n=2')
  eventually fieldIs "$second" .waitingFor backoff
  other=$(move download 'file?size=3000000&etag=v&pause=0.1')
  eventually fieldIs "$other" '.progressText != null' true
  # What is left is found whoever was there when it was canceled.
  kill -KILL "$daemon"
  eventually hasEnded "$daemon"
  callsheet cancel "$first" "$second"
  callsheet clean "$first"
  startPrincipal
  wasSwept() { [[ ! -e $CALLSHEET_LOCATION/default.callsheet/tasks/$1/result ]]; }
  eventually wasSwept "$first"
  eventually wasSwept "$second"
  hasState "$other" in-progress
  ends 0 "$other"
  isContent 3000000
  target=${target%-2}
  isAlone
}

@test "how far a transfer is can be seen while it runs" {
  startPrincipal
  id=$(move download 'file?size=4194304&pause=0.05')
  isMoving() { [[ $(field "$id" .progressText) =~ ^[0-9.]+' of 4.0 MiB'$ && $(field "$id" '.progress > 0') == true ]]; }
  eventually isMoving
  ends 0 "$id"
}

@test "an upload is the file as the body, and one that was cut is sent again from its start" {
  startPrincipal
  makeFile 300000
  id=$(move upload upload-1 '"headers":{"X-Mine":"yes"}')
  ends 0 "$id"
  [[ $(field "$id" '.result | tojson') == "{\"status\":201,\"contentType\":\"text/plain\",\"body\":\"$sum\"}" ]]
  [[ $(requests /upload-1 '[.method, .headers["x-mine"], .headers["content-length"], .headers["content-type"]]') == '["PUT","yes","300000","application/octet-stream"]' ]]
  id=$(move upload 'upload-2?cut=100000' '"method":"POST"')
  ends 0 "$id"
  [[ $(field "$id" .result.body) == "$sum" ]]
  [[ $(requests '/upload-2?cut=100000' '[.method, .headers["content-length"]]') == '["POST","300000"]'$'\n''["POST","300000"]' ]]
  id=$(move upload 'upload-3?status=403')
  ends 1 "$id"
  [[ $(field "$id" .failure.message) == 'the answer was 403'* && $(requestCount '/upload-3?status=403') == 1 ]]
}

@test "an upload to a far side that knows ranges goes on where it stopped" {
  startPrincipal
  makeFile 300000
  id=$(move upload 'upload-1?cut=100000&knows=1' '"resumes":true')
  ends 0 "$id"
  [[ $(field "$id" .result.body) == "$sum" ]]
  [[ $(requests '/upload-1?cut=100000&knows=1' '.headers["content-range"]' | tr '\n' ' ') == '"bytes */300000" "bytes 0-299999/300000" "bytes */300000" "bytes 100000-299999/300000" ' ]]
  # Whoever has all of it already is sent nothing; and to who knows no ranges all is sent.
  id=$(move upload 'upload-1?cut=100000&knows=1' '"resumes":true')
  ends 0 "$id"
  [[ $(field "$id" .result.body) == 'all of it' ]]
  id=$(move upload upload-2 '"resumes":true')
  ends 0 "$id"
  [[ $(field "$id" .result.body) == "$sum" ]]
}

@test "what can be no upload fails at once and says why" {
  startPrincipal
  id=$(move upload upload)
  ends 1 "$id"
  [[ $(field "$id" .failure.type) == file && $(field "$id" .failure.message) == *'No such file'* ]]
  mkfifo "$target"
  id=$(move upload upload)
  ends 1 "$id"
  [[ $(field "$id" .failure.message) == *'is no file' ]]
}

@test "a transfer's secrets come out of the principal's environment and are stored nowhere" {
  export TRANSFER_KEY=sesame OTHER_KEY=abracadabra
  startPrincipal
  # shellcheck disable=SC2016
  id=$(callsheet add --kind callsheet.request \
    --params "{\"url\":\"$far/echo\",\"method\":\"POST\",\"text\":\"body\",\"headers\":{\"X-Key\":\"\${env:TRANSFER_KEY}\"}}")
  ends 0 "$id"
  [[ $(requests /echo '.headers["x-key"]') == '"sesame"' ]]
  [[ $(field "$id" '.result.body | fromjson | tojson') == '{"method":"POST","body":"body"}' ]]
  run ! grep -rqa sesame "$CALLSHEET_LOCATION"
  run ! grep -rqa abracadabra "$CALLSHEET_LOCATION"
}

# tree KIND PATH adds a job with such a step to the assistant's queue. Its id.
tree() {
  callsheet add --kind "$1" --to left --params "{\"url\":\"$far/$2\",\"path\":\"$target\",\"hands\":true,\"watches\":${watches-false},\"given\":null}"
}
# stage: an assistant `left` and a principal that know the trees; their pids are $left and $principal.
stage() {
  testDirector "" "program=$(command -v callsheet)"
  principal=$daemon
  exec 9>&8  # or it would end with the input of the next one
  waitUntil 10 directorIsListed principal
  testDirector left "$@"
  left=$daemon
  waitUntil 10 directorIsListed left
}
wasStarted() { [[ $(wc -l <"$CALLSHEET_LOCATION/started") == "$1" ]]; }
transferOf() { callsheet list --json --kind "$1" | jq -r '.jobs[0].id'; }

@test "a download that a step starts is handed over at its start, outlives both directors, and is asked for once" {
  stage "program=$(command -v callsheet)"
  id=$(tree fetch 'file?size=3000000&etag=v&pause=0.05')
  eventually hasBytes "$target.part" 100000
  kill -KILL "$left"
  kill -KILL "$principal"
  eventually isContent 3000000
  hasState "$id" waiting
  testDirector "" "program=$(command -v callsheet)"
  ends 0 "$id"
  [[ $(field "$id" .result.bytes) == 3000000 && $(field "$id" .owner) == principal ]]
  [[ $(requestCount '/file?size=3000000&etag=v&pause=0.05') == 1 ]]
  wasStarted 1
}

@test "a step whose process dies when it has just started its transfer starts no other" {
  testDirector "" "program=$(command -v callsheet)"
  exec 9>&8
  waitUntil 10 directorIsListed principal
  CALLSHEET_STOP_AT=submit.answered testDirector left "program=$(command -v callsheet)"
  left=$daemon
  waitUntil 10 directorIsListed left
  id=$(tree fetch 'file?size=300000&pause=0.05')
  eventually isStopped "$left"
  kill -KILL "$left"
  ends 0 "$id"
  isContent 300000
  [[ $(requestCount '/file?size=300000&pause=0.05') == 1 && $(callsheet list --json --kind callsheet.download | jq '.jobs | length') == 1 ]]
}

@test "a step that watches its download shows how far it is, and keeps what the download does apart" {
  watches=true
  stage "program=$(command -v callsheet)"
  id=$(tree fetch 'file?size=3000000&etag=v&pause=0.05')
  isShown() { [[ $(field "$id" .progressText) =~ ^[0-9.]+' of 2.9 MiB'$ && $(field "$id" .owner) == principal ]]; }
  eventually isShown
  [[ $(field "$(transferOf callsheet.download)" .parent) == "$id" ]]
  ends 0 "$id"
  isContent 3000000
  grep -q ' of 2.9 MiB$' "$CALLSHEET_LOCATION/progress"
  wasStarted 1
}

@test "a step that watches its upload shows how far it is" {
  watches=true
  stage "program=$(command -v callsheet)"
  makeFile 20000000
  id=$(tree send 'upload-1?pause=0.01')
  ends 0 "$id"
  [[ $(field "$id" .result.body) == "$sum" ]]
  grep -qE '^0[.][0-9]+ [0-9.]+ of 19.1 MiB$' "$CALLSHEET_LOCATION/progress"
}

@test "uploads and requests are steps as well" {
  stage "program=$(command -v callsheet)"
  makeFile 200000
  id=$(tree send 'upload-1?cut=100000')
  ends 0 "$id"
  [[ $(field "$id" .result.body) == "$sum" && $(requestCount '/upload-1?cut=100000') == 2 ]]
  id=$(tree ask echo)
  ends 0 "$id"
  [[ $(field "$id" '.result.body | fromjson | .method') == POST ]]
  [[ $(requests /echo '.headers["x-mine"]') == '"yes"' ]]
}

@test "the failure of a transfer is the failure of its step" {
  stage "program=$(command -v callsheet)"
  id=$(tree fetch missing)
  ends 1 "$id"
  [[ $(field "$id" '.failure.type + " " + .failure.origin') == 'http callsheet.download' ]]
  [[ $(field "$id" .failure.message) == 'the answer was 404: no such flow' && $(requestCount /missing) == 1 ]]
  id=$(tree fetch broken)
  ends 1 "$id"
  [[ $(requestCount /broken) == 3 ]]
}

@test "a transfer that nobody waits for any more is canceled" {
  stage "program=$(command -v callsheet)"
  id=$(tree fetch 'file?size=9000000&etag=v&pause=0.2')
  eventually hasBytes "$target.part" 100000
  eventually hasState "$id" waiting
  callsheet cancel "$id"
  transfer=$(transferOf callsheet.download)
  eventually fieldIs "$transfer" .outcome canceled
  eventually isAlone
  callsheet show "$transfer" | grep -q 'nobody waits for its answer any more'
}

@test "where an assistant runs no transfers the principal does" {
  stage
  id=$(tree fetch 'file?size=300000')
  ends 0 "$id"
  isContent 300000
  wasStarted 1
}

@test "more transfers than may run at once wait for their turn, and take nobody's worker" {
  startPrincipal --workers 1 --transfer-parallel 2
  for i in 1 2 3; do
    target=$BATS_TEST_TMPDIR/target-$i
    moves+=("$(move download "file-$i?size=6000000&etag=v&pause=0.05")")
  done
  eventually hasBytes "$BATS_TEST_TMPDIR/target-2.part" 100000
  ends 0 "$(callsheet add -- true)"
  hasState "${moves[0]}" in-progress
  hasState "${moves[2]}" ready
  for id in "${moves[@]}"; do ends 0 "$id"; done
}
