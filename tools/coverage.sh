#!/usr/bin/env bash
# Measures how much of net/ the tests run, and fails below the bars: tools/coverage.sh [--uncovered] [PATTERN...]
#
#   --uncovered  also prints the lines and the branches that no test reaches
#   PATTERN      tests, by default //net/... and //fuzz/...
#
# coverage_report.py defines the bars and the code that counts. With the tests of some directories, it checks only those.
set -euo pipefail
cd "$(dirname "$0")/.."

options=()
while [[ ${1-} = -* ]]; do
  case $1 in
    --uncovered) options+=("$1") ;;
    -h | --help)
      sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' tools/coverage.sh
      exit 0
      ;;
    *)
      echo "tools/coverage.sh: unknown option '$1'; see tools/coverage.sh --help" >&2
      exit 2
      ;;
  esac
  shift
done
if [ $# -eq 0 ]; then set -- //net/... //fuzz/...; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The sources that this system builds.
bazel cquery 'kind("source file", deps(//net/base + //net/buffer + //net/poller + //net/reactor + //net/balancer
  + //net/server))' --output=label 2> "$work/log" | sed -n 's|^//\(net/[^ ]*\) .*|\1|p' | tr : / > "$work/built" ||
  { cat "$work/log" >&2; exit 1; }
# Exit code 3: a test has failed, but there is a report.
status=0
bazel coverage --keep_going --test_tag_filters=-benchmark --instrumentation_filter='^//net[/:]' "$@" || status=$?
[ $status -eq 0 ] || [ $status -eq 3 ] || exit $status
tools/coverage_report.py "${options[@]}" --built="$work/built" "$(bazel info output_path 2> "$work/log")/_coverage/_coverage_report.dat"
exit $status
