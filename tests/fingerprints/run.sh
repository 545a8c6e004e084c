#!/usr/bin/env bash
# The fingerprints of a fixed set of jobs are the same from GCC and from clang, and the same as ever: the build's program
# and one that the other compiler makes of the same sources must both print golden.txt. Stored results are found by
# these fingerprints, so a line of golden.txt never changes; new jobs get new lines.
set -euo pipefail
[[ $# -eq 1 && -x $1/tests/fingerprints ]] || { echo "usage: tests/fingerprints/run.sh BUILD_DIR   (with tests/fingerprints in it)" >&2; exit 2; }
build=$(cd "$1" && pwd)
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
golden=$tree/tests/fingerprints/golden.txt

versionOf() { "$1" --version | sed -n 1p; }
ours=$(versionOf "${CXX:-c++}")
if [[ $ours == *clang* ]]; then other=g++; else other=clang++; fi
command -v "$other" >/dev/null || { echo "$other is missing; tools/packages all installs it"; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# What the public headers leave to core when a fingerprint is made is compiled anew too; only what stands behind that
# comes from the build's library.
sources=("$tree"/tests/fingerprints/*.cpp "$tree"/core/{fingerprint,job_context,job_modifiers,job_node,tree_look,tree_run,tree_steps}.cpp)
printf '%s\0' "${sources[@]}" | xargs -0 -n 1 -P "$(nproc)" "$other" -std=c++20 -I"$tree" -I"$tree/include" -c
"$other" ./*.o "$build/core/libcallsheet_core.a" -lcrypto -pthread -o other

"$build/tests/fingerprints" >build.txt
./other >other.txt
status=0
# compare NAME A NAME B: the names stand in the difference.
compare() { diff -u --label "$1" --label "$3" "$2" "$4" || status=1; }
compare golden.txt "$golden" "$ours" build.txt
compare golden.txt "$golden" "$(versionOf "$other")" other.txt
compare "$ours" build.txt "$(versionOf "$other")" other.txt
[[ $status -eq 0 ]] || { echo "The fingerprints differ: results that are stored already would not be found again."; exit 1; }
echo "$(wc -l <"$golden") fingerprints: $ours and $(versionOf "$other") agree with golden.txt."
