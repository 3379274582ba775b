"""Built into Bazel 4 and 5."""

# buildifier: disable=native-cc-library
cc_library = native.cc_library
