"""Bazel 4 and 5 have it built in."""

# buildifier: disable=native-sh-library
sh_library = native.sh_library
