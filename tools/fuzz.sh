#!/usr/bin/env bash
# Fuzzes each target for a while, starting from its corpus: tools/fuzz.sh [SECONDS [//fuzz:x_bin...]]
#
# As many run at once as there are processors, each on one. New inputs are kept in out/fuzz/x for the next
# time, and an input that crashes in out/fuzz/x-crash-...; the exit code is not 0 if there was one. A crash
# that is understood becomes a file of fuzz/corpus/x.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
shift || true
if [ $# -eq 0 ]; then
  # shellcheck disable=SC2046  # Labels hold no spaces.
  set -- $(bazel query 'attr(tags, "\bfuzz-binary\b", //fuzz/...)' 2> /dev/null)
fi
[ $# -gt 0 ] || { echo 'no fuzz target found' >&2; exit 1; }

bazel build --config=fuzz "$@"
bin=$(bazel info --config=fuzz bazel-bin 2> /dev/null)

# fuzz LABEL: its lines carry its name, as others are printed between them.
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
  echo "fuzzing $1 for $seconds s"
  if ! tools/no_aslr.sh "$bin/$path" "${options[@]}" "${corpus[@]}" 2>&1 | sed -u "s/^/$name: /"; then
    echo "$1 failed" >&2
    return 1
  fi
}

export bin seconds
export -f fuzz
# shellcheck disable=SC2016
printf '%s\n' "$@" | xargs -P "$(getconf _NPROCESSORS_ONLN)" -I '{}' bash -o pipefail -c 'fuzz "$1"' _ '{}'
