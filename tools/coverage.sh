#!/usr/bin/env bash
# Measures how much of net/ the tests run, and fails below the bars: tools/coverage.sh [--uncovered] [PATTERN...]
#
#   --uncovered  also prints the lines and the branches that no test reaches
#   PATTERN      tests, by default //net/... and //fuzz/...
#
# coverage_report.py has the bars and says what counts. With tests of some directories alone, only those are judged.
set -euo pipefail
cd "$(dirname "$0")/.."

options=()
if [ "${1-}" = --uncovered ]; then
  options+=("$1")
  shift
fi
if [ $# -eq 0 ]; then set -- //net/... //fuzz/...; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A file that only another system builds is in no layer of this one.
bazel cquery 'kind("source file", deps(//net/base + //net/buffer + //net/poller + //net/reactor + //net/balancer
  + //net/server))' --output=label 2> "$work/log" | sed -n 's|^//\(net/[^ ]*\) .*|\1|p' | tr : / > "$work/built" ||
  { cat "$work/log" >&2; exit 1; }
# With a test that fails (3) there is a report all the same.
status=0
bazel coverage --keep_going --test_tag_filters=-benchmark --instrumentation_filter='^//net[/:]' "$@" || status=$?
[ $status -eq 0 ] || [ $status -eq 3 ] || exit $status
tools/coverage_report.py "${options[@]}" --built="$work/built" "$(bazel info output_path 2> "$work/log")/_coverage/_coverage_report.dat"
exit $status
