"""Bazel 4 and 5 have it built in."""

# buildifier: disable=native-cc-test
cc_test = native.cc_test
