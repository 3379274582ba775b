"""Built into Bazel 4 and 5."""

# buildifier: disable=native-sh-binary
sh_binary = native.sh_binary
