#!/usr/bin/env bash
# Runs haproxy as a TCP proxy for compare.py: haproxy.sh PORT UPSTREAM [splice]. One thread. UPSTREAM is
# tcp://HOST:PORT. With `splice`, haproxy moves all bytes by splice(2).
set -euo pipefail
. "$(dirname "$0")/announce.sh"

port=$1
upstream=${2#tcp://}
options=''
if [ "${3-}" = splice ]; then
  options='option splice-request
  option splice-response'
fi
# compare.py removes it.
work=$(mktemp -d)

cat > "$work/haproxy.cfg" <<CONF
global
  nbthread 1
  maxconn 4000
defaults
  mode tcp
  $options
  timeout connect 5s
  timeout client 10m
  timeout server 10m
listen proxy
  bind 127.0.0.1:$port
  server upstream $upstream
CONF

announce "$port"
exec haproxy -db -f "$work/haproxy.cfg"
