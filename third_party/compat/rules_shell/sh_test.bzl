"""Bazel 4 and 5 have it built in."""

# buildifier: disable=native-sh-test
sh_test = native.sh_test
