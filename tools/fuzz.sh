#!/usr/bin/env bash
# Fuzzes each target for a while, starting from its corpus: tools/fuzz.sh [SECONDS [//fuzz:x_bin...]]
#
# New inputs are kept in out/fuzz/x for the next time, and an input that crashes in out/fuzz/x-crash-...; the
# exit code is 1 if there was one. A crash that is understood becomes a file of fuzz/corpus/x.
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

failed=()
for label in "$@"; do
  path=${label#//}
  path=${path/://}
  name=$(basename "$path" _bin)
  mkdir -p "out/fuzz/$name"
  options=("-max_total_time=$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
    "-artifact_prefix=out/fuzz/$name-")
  if [ -e "fuzz/$name.dict" ]; then options+=("-dict=fuzz/$name.dict"); fi
  corpus=("out/fuzz/$name")
  if [ -d "fuzz/corpus/$name" ]; then corpus+=("fuzz/corpus/$name"); fi
  echo "fuzzing $label for $seconds s"
  if ! tools/no_aslr.sh "$bin/$path" "${options[@]}" "${corpus[@]}"; then failed+=("$label"); fi
done
if [ ${#failed[@]} -gt 0 ]; then
  echo "failed: ${failed[*]}" >&2
  exit 1
fi
