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

@test "a check that crashes says that the store is damaged" {
  storeIsDamaged=1
  for i in $(seq 1 40); do callsheet add --kind some/kind --params "\"precious $i\"" >/dev/null; done
  data=$CALLSHEET_LOCATION/default.callsheet/data.mdb
  # Cut off behind its two header pages: LMDB opens it and then reads where no file is.
  truncate -s 8192 "$data"
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

@test "a copy of a store runs on elsewhere" {
  id=$(callsheet add -- echo moved)
  callsheet backup "$BATS_TEST_TMPDIR/copy.callsheet"
  export CALLSHEET_LOCATION=$BATS_TEST_TMPDIR CALLSHEET_ID=copy
  startPrincipal
  endsWith 0 callsheet wait "$id" --timeout 20
}
