"""Bazel 4 and 5 have it built in."""

# buildifier: disable=native-sh-binary
sh_binary = native.sh_binary
