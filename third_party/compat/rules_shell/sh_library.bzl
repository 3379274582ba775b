"""Built into Bazel 4 and 5."""

# buildifier: disable=native-sh-library
sh_library = native.sh_library
