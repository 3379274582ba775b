#!/usr/bin/env bash
# Holds the real graph against the layers: bazel/layers.bzl sees one library's deps at a time, and only
# those that its macro made. Here a layer must reach nothing but what the table, written again, lets it.
set -euo pipefail
cd net

failures=0
# check LAYER LAYER_IT_MAY_REACH...
check() {
  local layer=$1 allowed extra
  allowed=$(IFS='|'; echo "$*")
  if ! grep -qx "//net/$layer:$layer" "${layer}_reaches"; then
    echo "//net/$layer is not in its own closure: the query is wrong"
    failures=$((failures + 1))
  fi
  extra=$(grep -vE "^//(net/($allowed)|third_party)[:/]" "${layer}_reaches" || true)
  if [ -n "$extra" ]; then
    echo "//net/$layer must not depend on:" "$extra"
    failures=$((failures + 1))
  fi
}

check base
check buffer base
check poller base
check reactor base buffer poller
check balancer base
check metrics base
check server base buffer poller reactor balancer
[ "$failures" -eq 0 ]
