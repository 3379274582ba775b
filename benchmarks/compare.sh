#!/usr/bin/env bash
# `bazel run //benchmarks:compare` starts this script. It runs compare.py in the runfiles.
exec python3 benchmarks/compare.py "$@"
