#!/usr/bin/env bash
# Lets systemd-analyze verify the units, and checks the lines that Callsheet's promises rest on.
set -euo pipefail
[[ $# -eq 0 ]] || { echo "usage: tests/systemd/run.sh" >&2; exit 2; }
units=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../systemd" && pwd)
command -v systemd-analyze >/dev/null || {
  echo "SKIPPED: systemd-analyze is not installed; apt-get install systemd gives it."
  exit 77
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# verify wants a program at ExecStart; the user manager wants a directory for its run-time files.
mkdir -p "$work/bin" "$work/runtime" "$work/home"
printf '#!/bin/sh\n' >"$work/bin/callsheet"
chmod 700 "$work/bin/callsheet" "$work/runtime"
export XDG_RUNTIME_DIR=$work/runtime HOME=$work/home

bad=0
for kind in system user; do
  unit=$work/$kind/callsheet-principal.service
  mkdir -p "$work/$kind"
  sed "s|@CMAKE_INSTALL_FULL_BINDIR@|$work/bin|" "$units/$kind/callsheet-principal.service.in" >"$unit"
  option=$([[ $kind == user ]] && echo --user || echo --system)
  # Warnings about this unit count as errors: verify itself exits 0 after "Unknown key".
  if ! systemd-analyze "$option" --man=no verify "$unit" >"$work/log" 2>&1 || grep -q 'callsheet-principal' "$work/log"; then
    echo "The $kind unit does not verify:"
    cat "$work/log"
    bad=1
  fi
  for line in Type=notify WatchdogSec= KillMode=process LimitCORE=0; do
    grep -q "^$line" "$unit" || { echo "The $kind unit lacks $line"; bad=1; }
  done
  if grep -qE '^(PrivatePIDs|PrivateUsers)=' "$unit"; then echo "The $kind unit leaves the store's PID namespace."; bad=1; fi
done
exit $bad
