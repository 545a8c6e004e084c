# What the .bats files about HTTP jobs share: a far side that answers as its paths say.
#
# shellcheck disable=SC2034

# farSide: serves at $far until the test ends; who asked is in $asked, one JSON object a line.
farSide() {
  asked=$BATS_TEST_TMPDIR/asked
  : >"$asked"
  mkfifo "$BATS_TEST_TMPDIR/far.input"
  python3 "$BATS_TEST_DIRNAME/far_side.py" "$asked" <"$BATS_TEST_TMPDIR/far.input" >"$BATS_TEST_TMPDIR/far.port" 3>&- &
  daemons+=($!)
  exec 7>"$BATS_TEST_TMPDIR/far.input"
  eventually test -s "$BATS_TEST_TMPDIR/far.port"
  far=http://127.0.0.1:$(<"$BATS_TEST_TMPDIR/far.port")
}

# requests PATH [FILTER]: what jq's filter finds in each request to that path, in order.
requests() { jq -c --arg path "$1" "select(.path == \$path) | ${2-.at}" "$asked"; }
requestCount() { requests "$1" | wc -l; }
hasAsked() { (($(requestCount "$1") >= $2)); }

# callJob PATH [MORE]: adds an HTTP job, tried three times; the more in JSON without braces. Its id.
callJob() {
  callsheet add --kind callsheet.http --retries 2 --retry-delay "${delay-2s}" --params "{\"url\":\"$far/$1\"${2:+,$2}}"
}
# ends CODE ID: waits for the job, which must end so.
ends() { endsWith "$1" callsheet wait "$2" --timeout 40; }
