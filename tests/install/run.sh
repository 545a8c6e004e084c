#!/usr/bin/env bash
# Installs a build to a prefix of its own and builds and runs a program outside of the tree with find_package(callsheet).
set -euo pipefail
[[ $# -eq 1 && -f $1/cmake_install.cmake ]] || { echo "usage: tests/install/run.sh BUILD_DIR" >&2; exit 2; }
build=$(cd "$1" && pwd)
outside=$(cd "$(dirname "${BASH_SOURCE[0]}")/outside" && pwd)
cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log"; echo "failed: $*"; exit 1; }; }

quietly cmake --install "$build" --prefix "$work/prefix"
for file in bash-completion/completions/callsheet zsh/site-functions/_callsheet fish/vendor_completions.d/callsheet.fish \
  man/man1/callsheet.1 man/man1/callsheet-add.1; do
  [[ -s $work/prefix/share/$file ]] || { echo "The install tree has no share/$file."; exit 1; }
done
# A library built with a sanitizer needs a program that links it.
sanitize=$(cached CALLSHEET_SANITIZE)
# From a copy, so that no header of the tree can be found by accident.
cp -r "$outside" "$work/outside"
# The README's example is a program too, word for word.
awk '/^```cpp$/ { inside = 1; next } /^```$/ { if (inside) exit } inside' "$outside/../../../README.md" >"$work/outside/example.cpp"
quietly cmake -G Ninja -S "$work/outside" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/prefix" \
  -DCMAKE_CXX_COMPILER="$(cached CMAKE_CXX_COMPILER)" ${sanitize:+"-DCMAKE_CXX_FLAGS=-fsanitize=$sanitize"}
quietly cmake --build "$work/build"
# The program gets a directory for its store and says "works" when everything did.
mkdir "$work/store"
output=$("$work/build/outside" "$work/store")
echo "$output"
[[ $(tail -n 1 <<<"$output") == works ]]
mkfifo "$work/input"
"$work/build/example" "$work/store" principal <"$work/input" &
principal=$!
exec 9>"$work/input"
output=$("$work/build/example" "$work/store")
exec 9>&-
wait "$principal"
echo "example: $output"
[[ $output == 'principal: "/pictures/a.png.small"' ]]
if grep -rl --include='*.cmake' -F -e "$(cached CMAKE_HOME_DIRECTORY)/" -e "$work" "$work/prefix"; then
  echo "The installed package names directories of the machine that built it."
  exit 1
fi
