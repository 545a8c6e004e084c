#!/usr/bin/env bash
# The code of docs/jobs.md and docs/transfers.md stands in the examples word for word, and they do what they say.
set -euo pipefail
[[ $# -eq 1 && -f $1/cmake_install.cmake ]] || { echo "usage: tests/docs/run.sh BUILD_DIR" >&2; exit 2; }
build=$(cd "$1" && pwd)
examples=$build/docs/examples
callsheet=$build/cli/callsheet
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sources=$(cat docs/examples/*.cpp)
blocks=0
block=""
inside=""
while IFS= read -r line; do
  case "$line" in
    '```cpp') inside=1 block="" ;;
    '```')
      if [[ -n $inside ]]; then
        [[ $sources == *"$block"* ]] || { echo "the docs have code that stands in no example:"; echo "$block"; exit 1; }
        blocks=$((blocks + 1))
      fi
      inside="" ;;
    *) if [[ -n $inside ]]; then block+=$line$'\n'; fi ;;
  esac
done < <(cat docs/jobs.md docs/transfers.md)
[[ $blocks -gt 1 ]] || { echo "the docs have no code"; exit 1; }

printf 'twelve bytes' >"$work/file"
mkdir "$work/report" "$work/extension"
output=$("$examples/example_report" "$work/report" "$work/file")
echo "report: $output"
[[ $output == "\"$work/file: 12 bytes\"" ]]
show() { CALLSHEET_LOCATION=$work/report CALLSHEET_ID=example "$callsheet" show "$@"; }
id=$(CALLSHEET_LOCATION=$work/report CALLSHEET_ID=example "$callsheet" list --json | sed -n 's/^ *"id": "\(.*\)",/\1/p')
[[ $(show "$id") == *"└─ size: measure  succeeded"* ]] || { echo "the job's steps are not shown:"; show "$id"; exit 1; }
[[ $(show "$id" --json) == *'"name": "measure"'* ]]

mkdir "$work/totals" "$work/order"
printf 'three more words' >"$work/words"
output=$("$examples/example_totals" "$work/totals" "$work/file" "$work/words" "$work/missing")
echo "totals: $output"
[[ $output == "5 words" ]]

: >"$work/order.out"  # there before it is read below, whoever is faster
"$examples/example_order" "$work/order" lamp >"$work/order.out" &
order=$!
for ((i = 0; i < 200; i++)); do
  key=$(sed -n 's/^key //p' "$work/order.out")
  [[ -z $key ]] || break
  read -rt 0.1 <> <(:) || true
done
"$examples/example_order" "$work/order" "$key" yes
wait "$order"
sed 's/^/order: /' "$work/order.out"
[[ $(grep -c reserved "$work/order.out") == 1 && $(tail -n 1 "$work/order.out") == '"lamp from shelf 4"' ]]

mkfifo "$work/input"
"$examples/example_extension" "$work/extension" <"$work/input" &
application=$!
exec 9>"$work/input"
output=$("$examples/example_extension" "$work/extension" "$work/file")
exec 9>&-
wait "$application"
echo "extension: $output"
[[ $output == 'principal: "downloaded: twelve bytes"' ]]

mkdir "$work/transfer" "$work/served"
cp "$work/file" "$work/served"
: >"$work/served.out"
python3 -u -m http.server --bind 127.0.0.1 --directory "$work/served" 0 >"$work/served.out" 2>&1 &
server=$!
trap 'kill "$server"; rm -rf "$work"' EXIT
for ((i = 0; i < 200; i++)); do
  port=$(sed -n 's/^Serving HTTP on .* port \([0-9]*\) .*/\1/p' "$work/served.out")
  [[ -z $port ]] || break
  read -rt 0.1 <> <(:) || true
done
"$examples/example_transfer" "$work/transfer" "$callsheet" <"$work/input" &
application=$!
exec 9>"$work/input"
output=$("$examples/example_transfer" "$work/transfer" "$callsheet" "http://127.0.0.1:$port/file" "$work/copy")
exec 9>&-
wait "$application"
echo "transfer: $output"
[[ $output == 'principal: "downloaded 12 bytes"' && $(<"$work/copy") == "twelve bytes" ]]
[[ $(grep -c '"GET /file' "$work/served.out") == 1 ]]
