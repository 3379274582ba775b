#!/usr/bin/env bash
# Fuzzes each target for a while, starting from its corpus: tools/fuzz.sh [SECONDS [//fuzz:x_bin...]]
#
#   SECONDS       for each target, by default 60
#   //fuzz:x_bin  targets, by default all
#
# It runs as many targets simultaneously as there are processors. New inputs are kept in out/fuzz/x for the next run. An
# input that crashes is written to out/fuzz/x-crash-..., and the exit code is then not 0. When the fault is fixed, add the
# input to fuzz/corpus/x.
#
# libFuzzer's output goes to out/fuzz/x.log. Each target prints one line when it is done; one that fails also prints the
# end of its log. A line shows the progress: on a terminal all the time, otherwise once a minute.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1-60}
case $seconds in
  -h | --help)
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' tools/fuzz.sh
    exit 0
    ;;
  '' | *[!0-9]*)
    echo "tools/fuzz.sh: SECONDS must be a number, not '$seconds'; see tools/fuzz.sh --help" >&2
    exit 2
    ;;
esac
shift || true
if [ $# -eq 0 ]; then
  # shellcheck disable=SC2046  # Labels have no spaces.
  set -- $(bazel query 'attr(tags, "\bfuzz-binary\b", //fuzz/...)' 2> /dev/null)
fi
[ $# -gt 0 ] || { echo 'no fuzz target found' >&2; exit 1; }

bazel build --config=fuzz "$@"
bin=$(bazel info --config=fuzz bazel-bin 2> /dev/null)

# fuzz LABEL: runs one target.
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
  local log=out/fuzz/$name.log good=true line_begin=''
  [ -z "$terminal" ] || line_begin=$'\r\033[K'
  tools/no_aslr.sh "$bin/$path" "${options[@]}" "${corpus[@]}" > "$log" 2>&1 || good=false
  touch "$state/$name"
  if ! $good; then
    # In one write, because other targets print too.
    printf '%s%s failed, see %s, which ends with:\n%s\n' "$line_begin" "$1" "$log" \
      "$(tail -n 40 "$log" | sed "s/^/$name: /")" >&2
    return 1
  fi
  printf '%s%s: %s inputs in %s s, %s new, nothing found\n' "$line_begin" "$1" \
    "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" "$seconds" \
    "$(sed -n 's/^stat::new_units_added: *//p' "$log")" >&2
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
export -f fuzz
# shellcheck disable=SC2016
printf '%s\n' "$@" | xargs -P "$processors" -I '{}' bash -o pipefail -c 'fuzz "$1"' _ '{}'
