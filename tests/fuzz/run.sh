#!/usr/bin/env bash
# The fuzz targets (README.md): builds them with clang's libFuzzer below BUILD_DIR/fuzz, runs the corpus, then as many
# further inputs as it is told to. Only the API and what decodes for it is compiled anew, with AddressSanitizer and the
# checks of UndefinedBehaviorSanitizer that an input could set off; the rest comes from the build's libraries.
# A crash, a leak, a time-out or a check that fails ends it, and leaves the input in BUILD_DIR/fuzz.
set -euo pipefail
usage="usage: tests/fuzz/run.sh BUILD_DIR [EXECUTIONS]   (default 1000000; FUZZ_SECONDS=N: so long instead; CALLSHEET_SEED repeats a run)"
[[ $# -ge 1 && $# -le 2 && -d $1 && ${2:-1} =~ ^[0-9]+$ ]] || { echo "$usage" >&2; exit 2; }
build=$(cd "$1" && pwd)
executions=${2:-1000000}
seed=${CALLSHEET_SEED:-$((RANDOM << 15 | RANDOM))}
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
tree=$PWD
command -v clang++ >/dev/null || { echo "SKIPPED: clang is not installed; tools/packages all installs it"; exit 77; }

objects=$build/fuzz/objects
mkdir -p "$objects"
export CCACHE_BASEDIR=$tree CCACHE_NOHASHDIR=1
compiler=(clang++)
if command -v ccache >/dev/null; then compiler=(ccache clang++); fi
checks=("-fsanitize=address,signed-integer-overflow,integer-divide-by-zero,shift,float-cast-overflow,bounds,enum,bool"
  -fno-sanitize-recover=all -fno-omit-frame-pointer)
flags=(-std=c++20 -O1 -gline-tables-only -I"$tree" -I"$tree/include" -DVALIJSON_USE_EXCEPTIONS=1 "${checks[@]}" -fsanitize=fuzzer-no-link)

# compileOne SOURCE: its object is named after it.
compileOne() {
  local name=${1#"$tree/"}
  name=${name#"$build/"}
  "${compiler[@]}" "${flags[@]}" -c "$1" -o "$objects/${name//\//_}.o"
}

echo "Building the fuzz targets with $(clang++ --version | sed -n 1p)"
mapfile -t sources < <(printf '%s\n' api/*.cpp | grep -vE '^api/(api_server|http_|listening_socket|token_file|access_rules)')
sources+=(core/{definition,duration_text,job_key,json_payload,names,validator}.cpp core/apply/submit.cpp
  tests/fuzz/fuzz_{api,decoders}.cpp "$build/api/openapi_text.cpp")
rm -f "$objects"/*.o
started=$SECONDS
running=0
failed=0
for source in "${sources[@]}"; do
  if ((running >= ${CALLSHEET_JOBS:-$(nproc)})); then
    wait -n || failed=1
    running=$((running - 1))
  fi
  compileOne "$source" &
  running=$((running + 1))
done
while ((running > 0)); do
  wait -n || failed=1
  running=$((running - 1))
done
((failed == 0)) || { echo "The fuzz targets do not compile." >&2; exit 1; }
mapfile -t shared < <(find "$objects" -name '*.o' ! -name 'tests_fuzz_*' | sort)
for target in api decoders; do
  clang++ "${checks[@]}" -fsanitize=fuzzer "$objects/tests_fuzz_fuzz_$target.cpp.o" "${shared[@]}" -Wl,--start-group \
    "$build"/{director/libcallsheet_director,store/libcallsheet_store,ipc/libcallsheet_ipc,core/libcallsheet_core}.a \
    -Wl,--end-group -lyaml-cpp -llmdb -luv -lcrypto -pthread -o "$build/fuzz/fuzz_$target"
done
echo "Built in $((SECONDS - started)) s."

# fuzz TARGET RUNS: the corpus, then that many runs; new inputs that reach something new are kept in BUILD_DIR/fuzz.
total=0
spent=0
fuzz() {
  local target=$1 runs=$2 log=$build/fuzz/$1.log began=$SECONDS status=0 count
  local limit=(-runs="$runs")
  if [[ -n ${FUZZ_SECONDS-} ]]; then limit=(-max_total_time=$((FUZZ_SECONDS / 2))); fi
  mkdir -p "$build/fuzz/found_$target"
  "$build/fuzz/fuzz_$target" "${limit[@]}" -seed="$seed" -max_len=2048 -timeout=20 -rss_limit_mb=1024 -malloc_limit_mb=512 \
    -dict=tests/fuzz/fuzz.dict -artifact_prefix="$build/fuzz/" -print_final_stats=1 -verbosity=1 \
    "$build/fuzz/found_$target" "tests/fuzz/corpus/$target" >"$log" 2>&1 || status=$?
  if [[ $status -ne 0 ]]; then
    tail -n 60 "$log"
    echo "fuzz_$target failed (seed $seed). Repeat it: $build/fuzz/fuzz_$target INPUT, with the input that it has just written."
    exit 1
  fi
  count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  total=$((total + count))
  spent=$((spent + SECONDS - began))
  echo "fuzz_$target: $count executions in $((SECONDS - began)) s, $(grep -c . < <(ls "tests/fuzz/corpus/$target")) inputs in the corpus, peak $(sed -n 's/^stat::peak_rss_mb: *//p' "$log") MiB."
}

echo "CALLSHEET_SEED=$seed"
fuzz api $((executions / 5))
fuzz decoders $((executions - executions / 5))
echo "$total executions, $((total / (spent > 0 ? spent : 1))) exec/s, no crash, no leak, no time-out, no wrong answer."
