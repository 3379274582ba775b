"""Bazel 4 and 5 have it built in."""

# buildifier: disable=native-cc-binary
cc_binary = native.cc_binary
