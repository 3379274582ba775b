#!/usr/bin/env bash
# Compares the result of the layering check for each edge with the table below, which is written by hand
# independently. The check must reject every forbidden edge with its message, and accept every allowed one.
set -euo pipefail

report=bazel/layers_report.txt
layers='base buffer poller reactor balancer metrics proxy_protocol server'
allowed='
buffer>base
poller>base
reactor>base reactor>buffer reactor>poller
balancer>base
metrics>base
proxy_protocol>base
server>base server>buffer server>poller server>reactor server>balancer
'

failures=0
checked=0

# expect PACKAGE DEP allowed|refused
expect() {
  local line verdict
  line=$(grep -F -- "$1 $2 " "$report" | grep -E "^$1 $2 ") || {
    echo "no verdict on $1 -> $2"
    failures=$((failures + 1))
    return
  }
  case "${line#"$1 $2 "}" in
    allowed) verdict=allowed ;;
    "layering: //$1 "*) verdict=refused ;;
    *) verdict='answered strangely' ;;
  esac
  checked=$((checked + 1))
  if [ "$verdict" != "$3" ]; then
    echo "$1 -> $2 is $verdict, expected $3: $line"
    failures=$((failures + 1))
  fi
}

for from in $layers; do
  for to in $layers; do
    verdict=refused
    if [ "$from" = "$to" ]; then verdict=allowed; fi
    for edge in $allowed; do
      if [ "$edge" = "$from>$to" ]; then verdict=allowed; fi
    done
    expect "net/$from" "//net/$to" "$verdict"
    expect "net/$from" "//net/$to:part" "$verdict"
    expect "net/$from" "@evnet//net/$to" "$verdict"
    expect "net/$from" "//net/$to/testing:fake" "$verdict"
    expect "net/$from/testing" "//net/$to" "$verdict"
  done
  for dep in :part part.c @liburing//:uring //third_party/x; do
    expect "net/$from" "$dep" allowed
  done
  for dep in //evnet //net //netx //fuzz:x; do
    expect "net/$from" "$dep" refused
  done
done
for package in net net/unheard_of; do
  expect "$package" //net/server refused
done
for package in netx evnet examples/echo; do
  expect "$package" //net/server allowed
done

# Fails if a layer is in LAYERS but not in this table.
lines=$(wc -l < "$report")
if [ "$checked" -ne "$lines" ]; then
  echo "checked $checked edges, the report has $lines"
  failures=$((failures + 1))
fi
echo "$checked edges, $failures wrong"
[ "$failures" -eq 0 ]
