# shellcheck shell=bash
# For the scripts beside it, which run servers that do not print `listening on ADDRESS` themselves.

# announce PORT: prints that line when the port accepts connections, at most 10 s later. It runs in the
# background, so that the script can exec the server: compare.py measures the process that it started.
announce() {
  (
    for _ in $(seq 200); do
      if (: < "/dev/tcp/127.0.0.1/$1") 2> /dev/null; then
        echo "listening on tcp://127.0.0.1:$1"
        exit
      fi
      sleep 0.05
    done
  ) &
}
