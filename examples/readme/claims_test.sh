#!/usr/bin/env bash
# claims_test.sh README MODULE DEPS EXAMPLE...: checks README.md's statements on Bazel versions and
# includes.
set -euo pipefail

readme=$1 module=$2 deps=$3
shift 3
fail() {
  echo "$*"
  exit 1
}
grep -q '^With WORKSPACE (Bazel 4 and 5):$' "$readme" || fail "$readme: which Bazel reads WORKSPACE?"
grep -q 'is for Bazel 4 and 5: with Bazel 7 and newer use MODULE.bazel' "$deps" || fail "$deps says otherwise"
grep -q '^With MODULE.bazel (Bazel 7.2.1 and later):$' "$readme" || fail "$readme: which Bazel reads MODULE.bazel?"
grep -q 'bazel_compatibility = \[">=7.2.1"\]' "$module" || fail "$module says otherwise"
grep -q 'include `"evnet/evnet.h"`' "$readme" || fail "$readme: which header do users include?"
for example in "$@"; do
  grep -q '^#include "evnet/evnet.h"$' "$example" || fail "$example does not include evnet/evnet.h"
  if grep -q '^#include "net/' "$example"; then fail "$example includes a header of a layer"; fi
done
