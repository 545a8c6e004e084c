# The store itself: check and backup.
load helper

@test "check says that a store is clean" {
  startPrincipal
  callsheet wait "$(callsheet add -- true)" --timeout 20
  endsWith 0 callsheet check
  [[ $output == clean:* ]]
  [[ $(callsheet check --json | jq -c '[.clean, .jobs, .problemCount]') == '[true,1,0]' ]]
}

@test "check finds damage and exits with 65" {
  storeIsDamaged=1
  for i in $(seq 1 40); do callsheet add --kind some/kind --params "\"precious $i\"" >/dev/null; done
  data=$CALLSHEET_LOCATION/default.callsheet/data.mdb
  # In every record that can be found: one letter of what it holds.
  sed -i 's/precious 2/precious 3/g' "$data"
  run callsheet check
  [[ $status == 65 && $output == *job* ]]
  [[ $(callsheet check --json 2>/dev/null | jq -c '[.clean, .problemCount > 0]') == '[false,true]' ]]
}

@test "a job that cannot be read is discarded by a person alone, who can save its bytes before" {
  good=$(callsheet add --kind some/kind --params '"unhurt"')
  bad=$(callsheet add --key report --kind some/kind --params '"precious 2"')
  sed -i 's/precious 2/precious 3/g' "$CALLSHEET_LOCATION/default.callsheet/data.mdb"
  endsWith 0 callsheet list
  [[ $stderr == *"$bad"*"callsheet discard"* ]]
  endsWith 65 callsheet check
  endsWith 4 callsheet discard "$good"
  saysOneSentence "the job can be read; cancel it"
  endsWith 0 callsheet discard "$bad" --save "$BATS_TEST_TMPDIR/saved"
  [[ $output == "$bad  discarded: row ("*"), body ("*", damaged)" ]]
  hex=$(jq -r '.jobs[0].records[] | select(.name == "body") | .hex' "$BATS_TEST_TMPDIR/saved")
  # shellcheck disable=SC2059
  [[ $(printf "$(sed 's/../\\x&/g' <<<"$hex")" | tr -d '\0') == *"precious 3"* ]]
  endsWith 0 callsheet check
  endsWith 3 callsheet show "$bad"
  [[ $(callsheet list --json | jq -r '.jobs[].id, .unreadable[]') == "$good" ]]
  [[ $(callsheet add --key report --json --kind some/kind | jq -r .outcome) == accepted ]]
}

@test "cancel names discard for a job that cannot be read, which removes nothing when it cannot save" {
  bad=$(callsheet add -- true)
  callsheet cancel "$bad" --why "precious 2"
  sed -i 's/precious 2/precious 3/g' "$CALLSHEET_LOCATION/default.callsheet/data.mdb"
  endsWith 65 callsheet cancel "$bad"
  saysOneSentence "or remove the job with \`callsheet discard\`"
  echo mine >"$BATS_TEST_TMPDIR/saved"
  endsWith 75 callsheet discard "$bad" --save "$BATS_TEST_TMPDIR/saved"
  saysOneSentence "exists already; name a new file"
  endsWith 3 callsheet discard "$bad" --save "$BATS_TEST_TMPDIR/no/such/place"
  [[ $(cat "$BATS_TEST_TMPDIR/saved") == mine ]]
  endsWith 0 callsheet discard "$bad" --json
  [[ $(jq -c '[.v, .jobs[0].discarded, (.jobs[0].records[0] | .name, (.damage | length > 9))]' <<<"$output") == '[1,true,"row",true]' ]]
}

@test "a check that crashes says that the store is damaged" {
  storeIsDamaged=1
  for i in $(seq 1 40); do callsheet add --kind some/kind --params "\"precious $i\"" >/dev/null; done
  data=$CALLSHEET_LOCATION/default.callsheet/data.mdb
  # Cut off behind its two header pages: LMDB opens it and then reads where no file is.
  truncate -s 8192 "$data"
  # A sanitizer would take the signal and exit.
  export ASAN_OPTIONS=${ASAN_OPTIONS-}:handle_segv=0:handle_sigbus=0 TSAN_OPTIONS=${TSAN_OPTIONS-}:handle_segv=0:handle_sigbus=0
  endsWith 65 callsheet check
  saysOneSentence "restore a backup"
}

@test "backup copies the living store, and the copy is a store" {
  startPrincipal
  done=$(callsheet add -- echo kept)
  callsheet wait "$done" --timeout 20
  waiting=$(callsheet add --delay 1h -- true)
  endsWith 0 callsheet backup "$BATS_TEST_TMPDIR/copies/../copy.callsheet"
  [[ $output == "$BATS_TEST_TMPDIR/copy.callsheet" ]]
  callsheet cancel "$waiting"
  [[ $(callsheet --location "$BATS_TEST_TMPDIR" --id copy log --output "$done") == kept ]]
  [[ $(callsheet --location "$BATS_TEST_TMPDIR" --id copy show --json "$waiting" | jq -r .state) == waiting ]]
  endsWith 0 callsheet --location "$BATS_TEST_TMPDIR" --id copy check
}

@test "a backup does not write over anything" {
  callsheet add -- true
  mkdir "$BATS_TEST_TMPDIR/copy"
  endsWith 75 callsheet backup "$BATS_TEST_TMPDIR/copy"
  saysOneSentence "exists already"
  endsWith 3 callsheet backup "$BATS_TEST_TMPDIR/no/such/place"
  [[ -z $(ls "$BATS_TEST_TMPDIR/copy") ]]
}

@test "a backup that is killed leaves nothing under its name" {
  head -c 900000 /dev/zero | tr '\0' 1 >"$BATS_TEST_TMPDIR/large"
  sed -i 's/.*/"&"/' "$BATS_TEST_TMPDIR/large"
  for _ in $(seq 1 30); do callsheet add --kind a --params-file "$BATS_TEST_TMPDIR/large" >/dev/null; done
  # Until one was killed in the middle of its work.
  for _ in $(seq 1 50); do
    callsheet backup "$BATS_TEST_TMPDIR/copy" 3>&- >/dev/null &
    backup=$!
    until compgen -G "$BATS_TEST_TMPDIR/copy*" >/dev/null || hasEnded "$backup"; do :; done
    kill -KILL "$backup" || true
    wait "$backup" || true
    [[ -e $BATS_TEST_TMPDIR/copy ]] || break
    rm -r "$BATS_TEST_TMPDIR/copy"
  done
  [[ ! -e $BATS_TEST_TMPDIR/copy ]]
  # What it leaves has the name that is documented.
  [[ $(cd "$BATS_TEST_TMPDIR" && ls -d copy*) =~ ^copy\.partial-[0-9a-f]{8}$ ]]
  endsWith 0 callsheet backup "$BATS_TEST_TMPDIR/copy"
  rm -r "$BATS_TEST_TMPDIR"/copy*
}

@test "a copy of a store runs on elsewhere" {
  id=$(callsheet add -- echo moved)
  callsheet backup "$BATS_TEST_TMPDIR/copy.callsheet"
  export CALLSHEET_LOCATION=$BATS_TEST_TMPDIR CALLSHEET_ID=copy
  startPrincipal
  endsWith 0 callsheet wait "$id" --timeout 20
}
