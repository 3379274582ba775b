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

# It is not built without liburing, and does not start where the kernel refuses io_uring.
uring=benchmarks/floor/floor_uring
if [ -x "$uring" ] && coproc TRIAL { exec "$uring" tcp://127.0.0.1:0; } && read -r -t 10 _ <&"${TRIAL[0]}"; then
  kill "$TRIAL_PID"
  wait "$TRIAL_PID" || fail "$uring ends with $? after SIGTERM"
  for address in tcp://127.0.0.1:0 "unix://@evnet-smoke-$$"; do
    with_floor "$uring" "$address" --depth=16
    with_floor "$uring" "$address" --payload=1000000 --depth=3 --warmup=0 --requests=20 --seconds=20
    with_floor "$uring" "$address" --mode=churn
    with_floor "$uring" "$address" --connections=1500 --seconds=0.2
  done
else
  echo 'floor_uring is not run'
fi

with_floor benchmarks/floor/floor_http tcp://127.0.0.1:0 --mode=http
with_floor benchmarks/floor/floor_http tcp://127.0.0.1:0 --mode=http --depth=16 --json

if ! command -v python3 >/dev/null; then
  echo 'no python3: the scripts are not run'
  exit 0
fi
# compare ARGUMENT...: prints the output of compare.py for two commands. It accepts exit code 3, a control
# that is off, because the run is so short.
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

# The table: a row of each kind that the programs here allow. Other servers are skipped by name.
out=$TEST_TMPDIR/out
shown=$(python3 benchmarks/compare.py --quick --pairs=2 --slice=0.05 --only=echo-one,idle-memory \
  --peer="mine=${floors[1]} tcp://127.0.0.1:0" --out="$out") || [ $? -eq 3 ] || fail 'compare.py --quick'
echo "$shown"
for words in 'echo-one: TCP echo' 'idle-memory: User memory' '  mine '; do
  grep -q "$words" <<< "$shown" || fail "compare.py does not report $words"
done
grep -q '^| evnet |' "$out/docs/benchmarks.md" || fail 'compare.py writes no document'
[ -s "$out/results/idle-memory.json" ] || fail 'compare.py saves no results'
python3 benchmarks/compare.py --list | grep -q '^http-hello' || fail 'compare.py --list'
if python3 benchmarks/compare.py --only=nothing --list 2> /dev/null; then
  fail 'compare.py takes an unknown row'
fi

python3 benchmarks/idle_memory.py --load "$load" --connections 100 \
  --server "${floors[0]} tcp://127.0.0.1:0" || fail 'idle_memory.py'
