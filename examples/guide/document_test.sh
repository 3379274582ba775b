#!/usr/bin/env bash
# document_test.sh DOCUMENT PROGRAM...: each C block of DOCUMENT is a run of lines of the program that DOCUMENT has
# linked last. DOCUMENT links each PROGRAM, and users could compile each PROGRAM.
set -euo pipefail

document=$1
shift
failures=0
complain() {
  echo "$1"
  failures=$((failures + 1))
}

# The linked program, and the C block up to the current line.
program=
block=
in_code=false
is_c=false
blocks=0
number=0
declare -A linked
while IFS= read -r line; do
  number=$((number + 1))
  if [[ $line == '```'* ]]; then
    if $in_code && $is_c; then
      blocks=$((blocks + 1))
      if [ ! -e "$program" ]; then
        complain "$document:$number: a block without a program"
      elif [[ $'\n'$(cat "$program")$'\n' != *$'\n'"$block"* ]]; then
        complain "$document:$number: this block is not in $program:"$'\n'"$block"
      fi
    fi
    if $in_code; then in_code=false; else in_code=true; fi
    if [ "$line" = '```c' ]; then is_c=true; else is_c=false; fi
    block=
  elif $in_code; then
    block+=$line$'\n'
  elif [[ $line =~ \(\.\./(examples/guide/[a-z0-9_]+\.c)\) ]]; then
    program=${BASH_REMATCH[1]}
    linked[$program]=1
  fi
done < "$document"
[ "$blocks" -ge $# ] || complain "$document has $blocks C blocks for $# programs"

for program in "$@"; do
  [ -n "${linked[$program]+known}" ] || complain "$document does not link $program"
  grep -q '^#include "evnet/evnet.h"$' "$program" || complain "$program does not include evnet/evnet.h"
  if grep -q '^#include "net/' "$program"; then complain "$program includes a header of a layer"; fi
done
[ "$failures" -eq 0 ]
