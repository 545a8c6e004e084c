#!/usr/bin/env bash
# The fuzz targets (README.md): builds them with clang's libFuzzer below BUILD_DIR/fuzz, runs the corpus, then as many
# further inputs as it is told to. Only the API and what decodes for it is compiled anew, with AddressSanitizer and the
# checks of UndefinedBehaviorSanitizer that an input could set off; the rest comes from the build's libraries.
# A crash, a leak, a time-out or a check that fails ends it, and leaves the input in BUILD_DIR/fuzz.
set -euo pipefail
usage="usage: tests/fuzz/run.sh BUILD_DIR [EXECUTIONS]   (default 1000000; FUZZ_SECONDS=N: so long instead, and longer inputs; CALLSHEET_SEED repeats a run)"
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
mapfile -t sources < <(printf '%s\n' api/*.cpp | grep -vE '^api/(api_server|http_|listening_socket|token_file|access_rules|task_routes|task_output|brief_waits|periodic_task_routes|libmicrohttpd_on_demand)')
sources+=(core/{definition,duration_text,job_key,json_payload,names,task_body,validator}.cpp core/apply/submit.cpp
  jobs/{task_machine,echo_machine,command_spec}.cpp
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
    "$build"/{http/libcallsheet_http,director/libcallsheet_director,jobs/libcallsheet_jobs,store/libcallsheet_store,ipc/libcallsheet_ipc,core/libcallsheet_core}.a \
    -Wl,--end-group -lyaml-cpp -llmdb -luv -lcrypto -ldate-tz -pthread -o "$build/fuzz/fuzz_$target"
done
echo "Built in $((SECONDS - started)) s."

# Long inputs take long: the short form leaves them to the long one. Entropic schedules cost more than they find here.
options=(-seed="$seed" -max_len=256 -timeout=20 -rss_limit_mb=1024 -malloc_limit_mb=512 -entropic=0
  -dict=tests/fuzz/fuzz.dict -artifact_prefix="$build/fuzz/" -print_final_stats=1)
[[ -z ${FUZZ_SECONDS-} ]] || options+=(-max_total_time="$FUZZ_SECONDS" -max_len=4096)
export ASAN_OPTIONS=malloc_context_size=4:quarantine_size_mb=16:detect_stack_use_after_return=0

# fuzz TARGET RUNS: the corpus, then so many runs in all. Inputs that reach something new are kept in BUILD_DIR/fuzz.
fuzz() {
  local limits=()
  [[ -n ${FUZZ_SECONDS-} ]] || limits=(-runs="$2")
  mkdir -p "$build/fuzz/found_$1"
  # The whole corpus once, whatever its length; then what comes of it.
  "$build/fuzz/fuzz_$1" "${options[@]}" -max_len=1048576 -runs=0 "tests/fuzz/corpus/$1" >"$build/fuzz/$1.log" 2>&1 || return
  "$build/fuzz/fuzz_$1" "${options[@]}" "${limits[@]}" "$build/fuzz/found_$1" "tests/fuzz/corpus/$1" >"$build/fuzz/$1.log" 2>&1
}
figure() { sed -n "s/^stat::$2: *//p" "$build/fuzz/$1.log"; }

echo "CALLSHEET_SEED=$seed"
[[ -n ${FUZZ_SECONDS-} ]] || rm -rf "$build"/fuzz/found_*
started=$SECONDS
fuzz api $((executions / 20)) &
api=$!
fuzz decoders $((executions - executions / 20)) &
decoders=$!
wait "$api" || failed=1
wait "$decoders" || failed=1
total=0
for target in api decoders; do
  count=$(figure "$target" number_of_executed_units)
  total=$((total + ${count:-0}))
  if grep -q '^Done ' "$build/fuzz/$target.log"; then
    echo "fuzz_$target: $count executions, $(figure "$target" average_exec_per_sec) exec/s, peak $(figure "$target" peak_rss_mb) MiB."
  else
    grep -av '^#[0-9]' "$build/fuzz/$target.log" | tail -n 60
    echo "fuzz_$target failed. Repeat it: $build/fuzz/fuzz_$target INPUT, with the input that it has just written."
    failed=1
  fi
done
((failed == 0)) || exit 1
seconds=$((SECONDS > started ? SECONDS - started : 1))
echo "$total executions in $seconds s, $((total / seconds)) exec/s: no crash, no leak, no time-out, no wrong answer."
