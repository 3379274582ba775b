#!/usr/bin/env bash
# security_test.sh SECURITY.md server.h: each default in the document's table is the one in the header's.
set -euo pipefail

document=$1
header=$2
count=0
failures=0
while IFS='|' read -r _ option value _; do
  option=$(tr -d '` ' <<< "$option")
  value=$(sed 's/^ *//; s/ *$//' <<< "$value")
  count=$((count + 1))
  if ! sed -n 's|^//   \([a-z_]*\)  *\(.*\)$|\1 \2|p' "$header" | grep -qxF "$option $value"; then
    echo "$document says that $option is $value by default; $header does not"
    failures=$((failures + 1))
  fi
done < <(awk '/^\| option \| default \|/ { inside = 1; getline; next } !/^\|/ { inside = 0 } inside' "$document")

echo "$count defaults, $failures differ"
[ "$count" -gt 10 ] && [ "$failures" -eq 0 ]
