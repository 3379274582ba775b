#!/usr/bin/env bash
# architecture_test.sh DOCUMENT HEADING,... TEST...: each test that the document names, as `//package:target Suite.Name ...`,
# is one that the target reports. Each HEADING is the first column of a table, whose rows each name a test or a command.
# Each TEST is named.
set -euo pipefail

document=$1
headings=$2
shift 2
failures=0
complain() {
  echo "$1"
  failures=$((failures + 1))
}

declare -A tests
for binary in "$@"; do
  # Suites stand at the left, "Backends/Suite."; their tests below, "  Name/epoll  # GetParam() = epoll".
  tests[$binary]=$("$binary" --gtest_list_tests | awk '
    /^[^ ].*\.$/ { sub(/^.*\//, ""); suite = $0 }
    /^  / { sub(/\/.*/, "", $1); print suite $1 }')
done

declare -A named
count=0
while read -r label names; do
  binary=${label#//}
  binary=${binary/://}
  named[$binary]=1
  if [ -z "${tests[$binary]+known}" ]; then
    complain "$label is not among the tests of architecture_test in net/BUILD.bazel"
    continue
  fi
  for name in $names; do
    count=$((count + 1))
    grep -qxF "$name" <<< "${tests[$binary]}" || complain "$label has no test $name"
  done
done < <(grep -oE '`//[a-z0-9_/]+:[a-z0-9_]+( [A-Za-z0-9]+\.[A-Za-z0-9]+)+`' "$document" | tr -d '`')
[ "$count" -gt 0 ] || complain "$document names no test"

for binary in "${!tests[@]}"; do
  [ -n "${named[$binary]+yes}" ] || complain "$binary is named nowhere in $document"
done

rows=0
for heading in ${headings//,/ }; do
  before=$rows
  while read -r row; do
    rows=$((rows + 1))
    [[ $row =~ \`(//|bazel\ test\ |tools/) ]] || complain "without a test: $row"
  done < <(awk -v heading="$heading" 'index($0, "| " heading " |") == 1 { inside = 1; getline; next }
    !/^\|/ { inside = 0 } inside' "$document")
  [ "$rows" -gt "$before" ] || complain "$document has no table of '$heading'"
done

echo "$rows rows, $count tests named, $failures complaints"
[ "$failures" -eq 0 ]
