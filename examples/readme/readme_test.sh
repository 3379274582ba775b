#!/usr/bin/env bash
# readme_test.sh README PROGRAM...: checks that each C block in README.md is one of these linked
# programs.
set -euo pipefail

readme=$1
shift
blocks=$(grep -c '^```c$' "$readme")
if [ "$blocks" -ne $# ]; then
  echo "$readme has $blocks C blocks, and $# are compiled: bring PROGRAMS of examples/readme/BUILD.bazel along"
  exit 1
fi
for program in "$@"; do
  [ -x "$program" ] || { echo "$program is no program"; exit 1; }
done
