#!/usr/bin/env bash
# Adds inputs of out/fuzz/x that reach new code to fuzz/corpus/x: tools/fuzz_keep.sh [//fuzz:x_bin...]
#
# tools/fuzz.sh writes new inputs to out/fuzz/x. This script adds the smallest set that reaches the same code, so that
# `bazel test` covers that code and stays short. A new file is named found_ and the beginning of its hash.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -eq 0 ]; then
  # shellcheck disable=SC2046  # Labels have no spaces.
  set -- $(bazel query 'attr(tags, "\bfuzz-binary\b", //fuzz/...)' 2> /dev/null)
fi
bazel build --config=fuzz "$@"
bin=$(bazel info --config=fuzz bazel-bin 2> /dev/null)

for label in "$@"; do
  path=${label#//}
  path=${path/://}
  name=$(basename "$path" _bin)
  if [ ! -d "out/fuzz/$name" ]; then continue; fi
  work=$(mktemp -d)
  cp "fuzz/corpus/$name/"* "$work"
  # Compare edges only. With their counts, the set would be ten times as large.
  tools/no_aslr.sh "$bin/$path" -set_cover_merge=1 -use_counters=0 "$work" "out/fuzz/$name" > "out/fuzz/$name-merge.log" 2>&1
  count=0
  for file in "$work"/*; do
    if [ -e "fuzz/corpus/$name/$(basename "$file")" ]; then continue; fi
    hash=$(basename "$file")
    cp "$file" "fuzz/corpus/$name/found_${hash:0:12}"
    count=$((count + 1))
  done
  rm -rf "$work"
  echo "$name: $count inputs added"
done
