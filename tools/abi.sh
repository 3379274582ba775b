#!/usr/bin/env bash
# Compares the ABI of the shared library with that of the last release: tools/abi.sh [TAG]
#
# TAG is the newest tag of the form vMAJOR.MINOR.PATCH by default. Both libraries are built by CMake, with debugging
# information, which abidiff (of abigail-tools) reads. If EVNET_ABI in CMakeLists.txt is the same in both, each change that
# would break a program is an error; otherwise the changes are only printed. Before the first release the script checks
# only that abidiff finds a planted change, and that a library equals itself.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v abidiff > /dev/null; then
  echo "$0: cannot find abidiff; ./setup.sh --all installs it" >&2
  exit 1
fi
work=$(mktemp -d)
readonly work
trap 'rm -rf "$work"' EXIT

# abi_of DIRECTORY: prints the ABI number.
abi_of() { sed -n 's/^set(EVNET_ABI \([0-9]*\))$/\1/p' "$1/CMakeLists.txt"; }

# build DIRECTORY NAME: builds the shared library of a tree.
build() {
  cmake -S "$1" -B "$work/$2" -DBUILD_SHARED_LIBS=ON -DCMAKE_BUILD_TYPE=Debug -DEVNET_MAN=OFF > "$work/log" 2>&1 &&
    cmake --build "$work/$2" --parallel 2 > "$work/log" 2>&1 || {
    tail -n 30 "$work/log"
    exit 1
  }
}

# compare OLD NEW: abidiff with the public types only. Its exit code has bit 4 if the ABI changed, and bit 8 if the
# change certainly breaks programs.
compare() { abidiff --no-added-syms "$1" "$2"; }

library=${EVNET_ABI_LIBRARY-}
if [ -z "$library" ]; then
  build . new
  library=$work/new/libevnet.so
fi
tag=${1-$(git tag --list 'v[0-9]*.[0-9]*.[0-9]*' --sort=-version:refname | head -n 1)}
if [ -z "$tag" ]; then
  abidw --no-show-locs --out-file "$work/own.abi" "$library"
  compare "$work/own.abi" "$library"
  # A struct that callers allocate, one field longer.
  sed "s/\(<class-decl name='evnet_options' size-in-bits='\)[0-9]*/\199999/" "$work/own.abi" > "$work/planted.abi"
  if cmp -s "$work/own.abi" "$work/planted.abi"; then
    echo "$0: struct evnet_options is not in the ABI of $library"
    exit 1
  fi
  if compare "$work/planted.abi" "$library" > "$work/log"; then
    echo "$0: abidiff does not notice that struct evnet_options has another size"
    exit 1
  fi
  echo "no release yet: $(grep -c '<elf-symbol ' "$work/own.abi") symbols, and a planted change was found"
  exit 0
fi

mkdir "$work/old"
git archive "$tag" | tar -x -C "$work/old"
build "$work/old" old_build
if compare "$work/old_build/libevnet.so" "$library"; then
  echo "the ABI of $tag and of this tree are compatible"
elif [ "$(abi_of "$work/old")" != "$(abi_of .)" ]; then
  echo "the ABI has changed since $tag, and so has EVNET_ABI"
else
  echo "the ABI has changed since $tag: increment EVNET_ABI in CMakeLists.txt (CONTRIBUTING.md, Versions and the ABI)"
  exit 1
fi
