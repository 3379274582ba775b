"""Built into Bazel 4 and 5."""

# buildifier: disable=native-cc-import
cc_import = native.cc_import
