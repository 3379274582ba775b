#!/bin/sh
# Installs the packages that building and testing evnet needs and this machine lacks.
#
#   ./setup.sh          Bazel, gcc, GoogleTest, Google Benchmark, liburing, python3
#   ./setup.sh --all    also the packages for sanitizers, fuzzing, lint, the API reference and .ci/run
#   ./setup.sh --peers  the other programs and libraries that tests and examples use: hiredis, libpq, libcurl,
#                       c-ares, GLib, libuv, libev, libevent; matplotlib; redis-server, PostgreSQL, haproxy, nginx, curl, wrk, ab,
#                       h2load, Node.js, promtool, Chromium. Without one of them, its tests are skipped.
#   ./setup.sh --cross  Debian's compilers for arm64, riscv64 and s390x, and qemu-user, for .ci/cross
#
# On Debian and Ubuntu it installs by apt; elsewhere it prints what to install. An existing bazel or bazelisk on
# PATH is used as is. If nothing is missing, the script exits immediately.
set -eu

all=false
peers=false
cross=false
case "${1-}" in
  '') ;;
  --all) all=true ;;
  --peers) peers=true ;;
  --cross) cross=true ;;
  *)
    echo "usage: $0 [--all | --peers | --cross]" >&2
    exit 2
    ;;
esac

missing=''
# want PACKAGE TEST...: PACKAGE is missing unless the command TEST succeeds.
want() {
  package=$1
  shift
  "$@" > /dev/null 2>&1 || missing="$missing $package"
}
has() { command -v "$1"; }
has_any() { for name in "$@"; do ! has "$name" || return 0; done; return 1; }
# compiler-rt is a separate package; without it, clang cannot link a sanitizer.
has_sanitizers() { find "$(clang -print-resource-dir)/" -name 'libclang_rt.asan*' | grep -q .; }

# It may be in the system's python3 only; benchmarks/charts.py looks there too.
has_matplotlib() { python3 -c 'import matplotlib' || /usr/bin/python3 -c 'import matplotlib'; }

# Whether a C compiler finds a header.
has_header() { echo "#include <$1>" | "${CC:-cc}" -E -x c -I/usr/include/postgresql - ; }

want bazel-bootstrap has_any bazel bazelisk
# Bazel's toolchain detection uses these.
want gcc has "${CC:-gcc}"
want g++ has_any g++ clang++
want python3 has python3
if has apt-get > /dev/null; then
  # With the system's copies, tests need no network. Without apt, Bazel downloads them.
  want googletest test -e /usr/src/googletest/googletest/src/gtest-all.cc
  want libbenchmark-dev test -e /usr/include/benchmark/benchmark.h
  # Without it, the io_uring backend is not built.
  want liburing-dev test -e /usr/include/liburing.h
fi
if $cross; then
  want qemu-user has qemu-s390x
  for processor in aarch64 riscv64 s390x; do want g++-$processor-linux-gnu has $processor-linux-gnu-g++; done
fi
if $all; then
  want clang has clang
  want lld has ld.lld
  want llvm has llvm-symbolizer
  want libclang-rt-dev has_sanitizers
  want clang-format has clang-format
  want clang-tidy has clang-tidy
  want git has git
  # For .ci/without_bazel.
  want cmake has cmake
  want ninja-build has ninja
  want pkg-config has pkg-config
  want debhelper has dh
  want lintian has lintian
  want abigail-tools has abidiff
  # Bazel before version 8 packs the outputs of a test with it.
  want zip has zip
  want doxygen has doxygen
  # tools/format.sh installs buildifier by npm.
  want npm has_any buildifier npm
fi

if $peers; then
  want libhiredis-dev has_header hiredis/async.h
  want libpq-dev has_header libpq-fe.h
  want libcurl4-openssl-dev has_header curl/curl.h
  want libc-ares-dev has_header ares.h
  want libglib2.0-dev test -d /usr/include/glib-2.0
  want libuv1-dev has_header uv.h
  # For benchmarks/compare.py.
  want libev-dev has_header ev.h
  want libevent-dev has_header event2/event.h
  want python3-matplotlib has_matplotlib
  want redis-server has redis-server
  want postgresql test -d /usr/lib/postgresql
  want nodejs has node
  want prometheus has promtool
  want nginx-light test -x /usr/sbin/nginx
  want wrk has wrk
  want apache2-utils has ab
  want nghttp2-client has h2load
  want haproxy test -x /usr/sbin/haproxy
  want curl has curl
  want chromium has chromium
fi

if [ -z "$missing" ]; then
  echo 'setup.sh: nothing is missing'
elif ! has apt-get > /dev/null; then
  missing=$(echo "$missing" | sed 's/bazel-bootstrap/bazelisk (named bazel)/')
  echo "setup.sh: cannot install without apt; please install:$missing" >&2
  exit 1
else
  sudo=''
  if [ "$(id -u)" -ne 0 ]; then
    sudo='sudo'
    if ! has sudo > /dev/null; then
      echo "setup.sh: cannot install without root or sudo; please run as root: apt-get install$missing" >&2
      exit 1
    fi
  fi
  apt() { $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q "$@"; }
  # $missing is a list and must be split.
  # shellcheck disable=SC2086
  install() { apt install -y --no-install-recommends $missing; }

  echo "setup.sh: installing by apt:$missing"
  updated=false
  # A new container has no package lists.
  if ! find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' 2> /dev/null | grep -q .; then
    apt update
    updated=true
  fi
  case "$missing " in
    *' bazel-bootstrap '*)
      if ! apt-cache show bazel-bootstrap > /dev/null 2>&1; then
        echo 'setup.sh: this release has no package bazel-bootstrap; please install bazelisk as bazel' >&2
        exit 1
      fi
      ;;
  esac
  # Existing lists may name package versions that the mirror no longer has.
  if ! install; then
    if $updated; then exit 1; fi
    apt update
    install
  fi
  echo 'setup.sh: done'
fi

if ! has bazel > /dev/null; then
  bazelisk=$(command -v bazelisk)
  echo "setup.sh: there is no command named bazel; to make one: ln -s $bazelisk ${bazelisk%isk}"
fi
