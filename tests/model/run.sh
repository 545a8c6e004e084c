#!/usr/bin/env bash
# Checks the takeover model with spin. Works in a directory of its own, so that several may run at once.
set -euo pipefail
usage() { echo "usage: tests/model/run.sh holds|broken   (holds: no error may be found; broken: each variant must show its error)" >&2; exit 2; }
[[ $# -eq 1 && ( $1 == holds || $1 == broken ) ]] || usage
for tool in spin cc; do
  command -v "$tool" >/dev/null || { echo "SKIPPED: $tool is not installed; apt-get install spin g++ gives it."; exit 77; }
done

model=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# errorsOf MODEL PROPERTY: prints how many errors pan found. Liveness is checked under weak fairness: a process that
# can go on for ever does so in the end.
errorsOf() {
  local name=$1 property=$2 options=(-a -m2000000 -N "$2") report
  [[ $property == live ]] && options+=(-f)
  mkdir -p "$work/$name-$property"
  cd "$work/$name-$property"
  cp "$model"/*.pml .
  spin -a "$name.pml" >spin.log 2>&1 || { cat spin.log >&2; exit 1; }
  # NFAIR: room for the fairness bookkeeping of more than a handful of processes.
  cc -O2 -w -DNFAIR=3 -DVECTORSZ=2048 -DMEMLIM=2048 -o pan pan.c
  report=$(./pan "${options[@]}" 2>&1)
  grep -q 'errors: [0-9]' <<<"$report" || { echo "$report" >&2; exit 1; }
  if grep -q 'search not completed\|max search depth too small\|pan: out of memory\|VECTORSZ' <<<"$report" &&
     ! grep -q 'errors: [1-9]' <<<"$report"; then
    echo "$report" >&2
    echo "The search of $name ($property) did not cover every state." >&2
    exit 1
  fi
  echo "$report" | grep -E 'states, stored|errors:' >&2
  sed -n 's/.*errors: \([0-9]*\).*/\1/p' <<<"$report"
}

# expect HOLDS|FAILS MODEL PROPERTY
expect() {
  local errors
  errors=$(errorsOf "$2" "$3")
  echo "$2, $3: $errors errors, must be $([[ $1 == holds ]] && echo none || echo at least one)"
  if [[ $1 == holds ]]; then [[ $errors -eq 0 ]]; else [[ $errors -ge 1 ]]; fi
}

if [[ $1 == holds ]]; then
  expect holds takeover safe
  expect holds takeover live
else
  expect fails takeover_broken safe
  expect fails takeover_no_adopt live
fi
