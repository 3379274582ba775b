"""Bazel 4 and 5 have it built in."""

# buildifier: disable=native-cc-import
cc_import = native.cc_import
