"""Built into Bazel 4 and 5."""

load(":cc_common_builtin.bzl", "cc_common_builtin")

cc_common = cc_common_builtin
