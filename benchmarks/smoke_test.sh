#!/usr/bin/env bash
# Runs the floors, the load generator and the scripts once, briefly, to check that they work. It
# measures nothing.
set -euo pipefail

floors=(benchmarks/floor/floor_lt benchmarks/floor/floor_et)
load=benchmarks/load/load

fail() {
  echo "FAIL: $*"
  exit 1
}

# with_floor FLOOR ADDRESS ARGUMENT...: starts the floor, runs the load with the arguments, and
# stops the floor, which must report no error.
with_floor() {
  local floor=$1 address=$2 line
  shift 2
  coproc SERVER { exec "$floor" "$address"; }
  local pid=$SERVER_PID
  read -r -t 10 line <&"${SERVER[0]}" || fail "$floor $address does not listen"
  "$load" --connections=5 --warmup=0.01 --seconds=0.05 "$@" "${line#listening on }" </dev/null ||
    fail "load $* against $floor $address"
  kill "$pid"
  wait "$pid" || fail "$floor $address ends with $? after SIGTERM"
}

for floor in "${floors[@]}"; do
  for address in tcp://127.0.0.1:0 "unix://@evnet-smoke-$$" udp://127.0.0.1:0; do
    with_floor "$floor" "$address"
    with_floor "$floor" "$address" --depth=16 --payload=1000 --json
  done
  for address in tcp://127.0.0.1:0 "unix://@evnet-smoke-$$"; do
    with_floor "$floor" "$address" --payload=1000000 --depth=3 --warmup=0 --requests=20 --seconds=20
    with_floor "$floor" "$address" --mode=churn
    with_floor "$floor" "$address" --mode=idle
  done
done

with_floor benchmarks/floor/floor_http tcp://127.0.0.1:0 --mode=http
with_floor benchmarks/floor/floor_http tcp://127.0.0.1:0 --mode=http --depth=16 --json

if ! command -v python3 >/dev/null; then
  echo 'no python3: the scripts are not run'
  exit 0
fi
python3 benchmarks/progress_test.py || fail 'progress_test.py'
# compare ARGUMENT...: prints the output of compare.py. It accepts exit code 3, a control that is
# off, because the run is so short.
compare() {
  python3 benchmarks/compare.py --load "$load" --pairs 2 --seconds 0.2 \
    --a "${floors[0]} tcp://127.0.0.1:0" --b "${floors[1]} unix://@evnet-smoke-$$" "$@" ||
    [ $? -eq 3 ] || fail "compare.py $*"
}
out=$(compare --slice 0.1 --slice 0.2 --workload 5x64x1 --workload churn:5x64x1)
echo "$out"
for run in '5x64x1, slices of 0.1 s' '5x64x1, slices of 0.2 s' \
  'churn:5x64x1, slices of 0.1 s' 'churn:5x64x1, slices of 0.2 s'; do
  [ "$(grep -c "^$run" <<<"$out")" -eq 1 ] || fail "compare.py does not report $run"
done
if python3 benchmarks/compare.py --load "$load" --seconds 0.2 --slice 0.3 --a a --b b \
  --workload 5x64x1 2>/dev/null; then
  fail 'compare.py takes a slice that is longer than --seconds'
fi
python3 benchmarks/idle_memory.py --load "$load" --connections 100 \
  --server "${floors[0]} tcp://127.0.0.1:0" || fail 'idle_memory.py'
