#!/usr/bin/env bash
# Runs one .bats file against the product as it is installed: to a prefix of its own, first in PATH.
# Tests that bats skips are named as "SKIPPED: ..."; when all are skipped, so is the file (exit 77).
set -euo pipefail
[[ $# -eq 2 && -f $1/cmake_install.cmake && -f $2 ]] || { echo "usage: tests/acceptance/run.sh BUILD_DIR FILE.bats" >&2; exit 2; }
command -v bats >/dev/null || { echo "SKIPPED: bats is not installed; apt-get install bats gives it."; exit 77; }
build=$(cd "$1" && pwd)
file=$(readlink -f "$2")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --prefix "$work/prefix" >"$work/install.log" 2>&1 || { cat "$work/install.log"; exit 1; }
[[ -x $work/prefix/bin/callsheet ]] || { echo "The install tree has no bin/callsheet."; exit 1; }

export PATH=$work/prefix/bin:$PATH
# Their roles do to a store what the command cannot.
export CALLSHEET_TEST_BINARIES=$build/tests
# Nothing of the caller's may reach the tests: they name their own store.
unset CALLSHEET_LOCATION CALLSHEET_ID NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID
status=0
# bats keeps descriptor 3 for itself; a daemon that held it would keep bats from ending.
TMPDIR=$work bats --tap "$file" >"$work/tap" 2>&1 </dev/null || status=$?
cat "$work/tap"
sed -n 's/^ok [0-9]* \(.*\) # skip *$/SKIPPED: \1: it gave no reason/p
  s/^ok [0-9]* \(.*\) # skip \(..*\)/SKIPPED: \1: \2/p' "$work/tap"
[[ $status -eq 0 ]] || exit 1
if ! grep -E '^ok ' "$work/tap" | grep -qvE ' # skip'; then
  grep -q '^ok ' "$work/tap" || { echo "$2 contains no test."; exit 1; }
  exit 77
fi
