#!/usr/bin/env bash
# security_test.sh SECURITY.md options.h: each default in the document's table is the one in the header's.
set -euo pipefail

document=$1
header=$2
count=0
failures=0
# NAME DEFAULT, of each field of struct evnet_options whose comment ends with "Default: DEFAULT."
defaults=$(awk '
  /^struct evnet_options \{/ { inside = 1 }
  /^};/ { inside = 0 }
  inside && match($0, /^  \/\/ Default: /) { value = substr($0, RLENGTH + 1); sub(/\.$/, "", value); next }
  inside && value != "" && match($0, /[a-z_0-9]+( EVNET_ZERO)?;$/) {
    name = substr($0, RSTART, RLENGTH - 1); sub(/ EVNET_ZERO/, "", name); print name " " value; value = ""
  }
' "$header")
while IFS='|' read -r _ option value _; do
  option=$(tr -d '` ' <<< "$option")
  value=$(sed 's/^ *//; s/ *$//' <<< "$value")
  count=$((count + 1))
  if ! grep -qxF "$option $value" <<< "$defaults"; then
    echo "$document says that $option is $value by default; $header does not"
    failures=$((failures + 1))
  fi
done < <(awk '/^\| option \| default \|/ { inside = 1; getline; next } !/^\|/ { inside = 0 } inside' "$document")

echo "$count defaults, $failures differ"
[ "$count" -gt 10 ] && [ "$failures" -eq 0 ]
