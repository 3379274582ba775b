#!/usr/bin/env bash
# Formats the tree in place; with --check, only reports differences: tools/format.sh [--check] [c] [bazel]
#
# clang-format formats C and C++ (c), buildifier the files of Bazel (bazel); the default is both.
set -euo pipefail
cd "$(dirname "$0")/.."

check=false
if [ "${1-}" = --check ]; then
  check=true
  shift
fi
if [ $# -eq 0 ]; then set -- c bazel; fi

# Lists the files that git has, and those that `git add` would add.
list() {
  git ls-files --cached --others --exclude-standard -- "$@" | while IFS= read -r file; do
    if [ -e "$file" ]; then printf '%s\0' "$file"; fi
  done
}

format_c() {
  local mode=(-i)
  if $check; then mode=(--dry-run -Werror); fi
  list '*.c' '*.h' '*.cc' | xargs -0 clang-format "${mode[@]}"
}

# A static binary of a fixed version. npm is available on every CI machine.
find_buildifier() {
  local system machine binary
  if command -v buildifier; then return; fi
  system=$(uname -s | tr '[:upper:]' '[:lower:]')
  machine=$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
  binary=node_modules/@bazel/buildifier/buildifier-${system}_${machine}
  if [ ! -e "$binary" ]; then
    npm install --prefix "$PWD" --no-save --no-package-lock --ignore-scripts --no-audit --no-fund \
      @bazel/buildifier@8.2.1 >&2
  fi
  chmod +x "$binary"
  echo "$binary"
}

format_bazel() {
  local buildifier mode=(-mode=fix)
  if $check; then mode=(-mode=check -lint=warn); fi
  buildifier=$(find_buildifier)
  list '*.bazel' '*.bzl' '*.BUILD' '*WORKSPACE' '*WORKSPACE.bzlmod' | xargs -0 "$buildifier" "${mode[@]}"
}

for kind in "$@"; do
  case $kind in
    c | bazel) "format_$kind" ;;
    *)
      echo "usage: $0 [--check] [c] [bazel]" >&2
      exit 2
      ;;
  esac
done
