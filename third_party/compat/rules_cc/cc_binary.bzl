"""Built into Bazel 4 and 5."""

# buildifier: disable=native-cc-binary
cc_binary = native.cc_binary
