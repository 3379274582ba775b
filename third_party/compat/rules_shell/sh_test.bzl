"""Built into Bazel 4 and 5."""

# buildifier: disable=native-sh-test
sh_test = native.sh_test
