#!/usr/bin/env bash
# Runs nginx as a server for compare.py: nginx.sh PORT [ROOT]. It answers GET / with "Hello, World!",
# and serves the files of ROOT by sendfile. One process without a master, so that its CPU time is all.
set -euo pipefail
. "$(dirname "$0")/announce.sh"

port=$1
root=${2:-/nonexistent}
# compare.py removes it.
work=$(mktemp -d)

cat > "$work/nginx.conf" <<CONF
daemon off;
master_process off;
worker_rlimit_nofile 20000;
error_log $work/error.log;
pid $work/pid;
events { worker_connections 10000; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  default_type application/octet-stream;
  client_body_temp_path $work;
  proxy_temp_path $work;
  fastcgi_temp_path $work;
  uwsgi_temp_path $work;
  scgi_temp_path $work;
  server {
    listen 127.0.0.1:$port;
    root $root;
    location = / { default_type "text/plain; charset=utf-8"; return 200 "Hello, World!"; }
  }
}
CONF

announce "$port"
exec nginx -p "$work" -c "$work/nginx.conf"
