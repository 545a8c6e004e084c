#!/usr/bin/env bash
# What must not compile does not, with the sentence in the file's first line, and would without its one mistake.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# compile FILE [arguments]: says what the compiler says
compile() { "${CXX:-g++}" -std=c++20 -fsyntax-only -I../.. -I../../include "${@:2}" "$1" 2>&1; }

files=(*.cpp)
bad=0
for file in "${files[@]}"; do
  sentence=$(sed -n '1s|^// refused: ||p' "$file")
  [[ -n $sentence ]] || { echo "$file does not begin with '// refused: SENTENCE'"; bad=1; continue; }
  output=$(compile "$file" -DIS_FINE) || { echo "$file does not compile without its mistake:"; echo "$output"; bad=1; }
  if output=$(compile "$file"); then
    echo "$file compiles with its mistake"
    bad=1
  elif [[ $output != *"$sentence"* ]]; then
    echo "$file is refused without the sentence '$sentence':"
    echo "$output"
    bad=1
  fi
done
[[ $bad -eq 0 ]] && echo "${#files[@]} mistakes are refused by ${CXX:-g++}."
exit $bad
