"""Bazel 4 and 5 have it built in."""

# buildifier: disable=native-cc-library
cc_library = native.cc_library
