"""Built into Bazel 4 and 5."""

# buildifier: disable=native-cc-test
cc_test = native.cc_test
