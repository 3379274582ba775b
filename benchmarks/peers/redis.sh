#!/usr/bin/env bash
# Runs redis-server as a server for compare.py: redis.sh PORT. One thread, nothing is saved.
set -euo pipefail
. "$(dirname "$0")/announce.sh"

announce "$1"
exec redis-server --port "$1" --bind 127.0.0.1 --save '' --appendonly no --io-threads 1 \
  --maxclients 20000 --daemonize no --dir "${TMPDIR:-/tmp}" > /dev/null
