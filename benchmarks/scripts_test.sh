#!/usr/bin/env bash
# Runs the tests of the scripts.
set -euo pipefail

if ! command -v python3 > /dev/null; then
  echo 'no python3: the scripts are not tested'
  exit 0
fi
for test in progress_test compare_test; do
  python3 "benchmarks/$test.py"
done
