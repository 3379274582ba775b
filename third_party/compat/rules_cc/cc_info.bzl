"""Built into Bazel 4 and 5."""

load(":cc_info_builtin.bzl", "cc_info_builtin")

CcInfo = cc_info_builtin
