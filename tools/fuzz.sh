#!/usr/bin/env bash
# Fuzzes each target for a while, starting from its corpus: tools/fuzz.sh [SECONDS [//fuzz:x_bin...]]
#
# It runs as many targets simultaneously as there are processors. New inputs are kept in out/fuzz/x for the next run. An
# input that crashes is written to out/fuzz/x-crash-..., and the exit code is then not 0. When the fault is fixed, add the
# input to fuzz/corpus/x.
#
# On a terminal, one line shows the progress, and libFuzzer's output goes to out/fuzz/x.log only. Otherwise both are
# printed, the progress once a minute.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
shift || true
if [ $# -eq 0 ]; then
  # shellcheck disable=SC2046  # Labels have no spaces.
  set -- $(bazel query 'attr(tags, "\bfuzz-binary\b", //fuzz/...)' 2> /dev/null)
fi
[ $# -gt 0 ] || { echo 'no fuzz target found' >&2; exit 1; }

bazel build --config=fuzz "$@"
bin=$(bazel info --config=fuzz bazel-bin 2> /dev/null)

# fuzz LABEL: runs one target. Its lines begin with its name, because the lines of several targets are mixed.
fuzz() {
  local path name options corpus
  path=${1#//}
  path=${path/://}
  name=$(basename "$path" _bin)
  mkdir -p "out/fuzz/$name"
  options=("-max_total_time=$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
    "-artifact_prefix=out/fuzz/$name-")
  if [ -e "fuzz/$name.dict" ]; then options+=("-dict=fuzz/$name.dict"); fi
  corpus=("out/fuzz/$name")
  if [ -d "fuzz/corpus/$name" ]; then corpus+=("fuzz/corpus/$name"); fi
  [ -n "$terminal" ] || echo "fuzzing $1 for $seconds s"
  local good=true
  tools/no_aslr.sh "$bin/$path" "${options[@]}" "${corpus[@]}" 2>&1 | print "$name" || good=false
  touch "$state/$name"
  if ! $good; then
    [ -z "$terminal" ] || { printf '\r\033[K'; tail -n 40 "out/fuzz/$name.log"; } >&2
    echo "$1 failed, see out/fuzz/$name.log" >&2
    return 1
  fi
}

# print NAME: logs libFuzzer's output, and prints it unless stderr is a terminal.
print() {
  if [ -n "$terminal" ]; then
    cat > "out/fuzz/$1.log"
  else
    sed -u "s/^/$1: /" | tee "out/fuzz/$1.log"
  fi
}

# rate: prints the sum of inputs per second of all running targets, from libFuzzer's latest lines.
rate() {
  local log sum=0 last
  for log in out/fuzz/*.log; do
    if [ ! "$log" -nt "$state/began" ] || [ -e "$state/$(basename "$log" .log)" ]; then continue; fi
    last=$(sed -n 's|.*exec/s: \([0-9]*\).*|\1|p' "$log" | tail -n 1)
    sum=$((sum + ${last:-0}))
  done
  echo "$sum"
}

# progress TARGETS: shows the progress of all targets, until it is killed.
progress() {
  local passed left line_begin='' line_end=$'\n' pause=60
  local whole=$((seconds * (($1 + processors - 1) / processors)))
  if [ -n "$terminal" ]; then
    line_begin=$'\r\033[K' line_end='' pause=1
  fi
  # The last sleep outlives this script, so it must not keep a pipe open.
  while sleep "$pause" > /dev/null 2>&1; do
    passed=$((SECONDS - began))
    left=$((whole > passed ? whole - passed : 0))
    printf '%sfuzz: %d of %d targets done, %d of %d s, %d inputs/s, %d min %d s left%s' \
      "$line_begin" "$(find "$state" -type f ! -name began | wc -l)" "$1" \
      "$((passed < whole ? passed : whole))" "$whole" "$(rate)" $((left / 60)) $((left % 60)) \
      "$line_end" >&2
  done
}

terminal=
if [ -t 2 ]; then terminal=yes; fi
processors=$(getconf _NPROCESSORS_ONLN)
state=$(mktemp -d)  # has a file for each finished target
mkdir -p out/fuzz
touch "$state/began"
began=$SECONDS
progress $# &
shown=$!
trap 'kill "$shown" 2> /dev/null || true; rm -rf "$state"; [ -z "$terminal" ] || printf "\r\033[K" >&2' EXIT

export bin seconds state terminal
export -f fuzz print
# shellcheck disable=SC2016
printf '%s\n' "$@" | xargs -P "$processors" -I '{}' bash -o pipefail -c 'fuzz "$1"' _ '{}'
