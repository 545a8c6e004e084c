#!/usr/bin/env bash
# Skipped tests are seen: each is listed and counted, whole ones and parts of .bats files, with a reason or without; and
# one that the machine could run is an error.
set -euo pipefail
[[ $# -eq 1 ]] || { echo "usage: tests/skips/run.sh BUILD_DIR" >&2; exit 2; }
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0

# expect CODE TEXT COMMAND...: the command's exit code, and a piece of what it prints.
expect() {
  local code=$1 text=$2 status=0
  shift 2
  "$@" >"$work/output" 2>&1 || status=$?
  if [[ $status -ne $code ]] || ! grep -qF -- "$text" "$work/output"; then
    echo "'$*' ended with $status instead of $code, or without '$text':"
    cat "$work/output"
    bad=1
  fi
}

# The parts of a .bats file.
command -v bats >/dev/null || { echo "SKIPPED: bats is not installed; apt-get install bats gives it."; exit 77; }
cat >"$work/some.bats" <<'END'
@test "this one runs" { true; }
@test "this one cannot" { skip "there is no moon tonight"; }
@test "this one says nothing" { skip; }
END
expect 0 "SKIPPED: this one cannot: there is no moon tonight" tests/acceptance/run.sh "$build" "$work/some.bats"
expect 0 "SKIPPED: this one says nothing: it gave no reason" tests/acceptance/run.sh "$build" "$work/some.bats"
sed -i '/this one runs/d' "$work/some.bats"
expect 77 "SKIPPED: this one cannot" tests/acceptance/run.sh "$build" "$work/some.bats"

# A run's log.
logOf() { printf '1/1 Testing: some test\nOutput:\n%s\n' "$1" >"$work/log"; }
cat >"$work/table" <<'END'
# A comment | true
there is no moon tonight | false
the moon is full | test -d "$scratch"
END
logOf "all is well"
expect 0 "0 tests or parts of them were skipped." tools/skips "$work/log" "$work/table"
logOf "SKIPPED: there is no moon tonight"
expect 0 "  some test: there is no moon tonight" tools/skips "$work/log" "$work/table"
expect 0 "1 tests or parts of them were skipped." tools/skips "$work/log" "$work/table"
logOf "SKIPPED: a part: there is no moon tonight"
expect 0 "  some test: a part: there is no moon tonight" tools/skips "$work/log" "$work/table"
for reason in "the moon is full" "a part: the moon is full" "nobody listed this" "A comment" "it gave no reason"; do
  logOf "SKIPPED: $reason"
  expect 1 "$reason   <- this machine can run it" tools/skips "$work/log" "$work/table"
done
exit $bad
