"""Finds the C++ toolchain in Bazel 4 and 5, by the names of rules_cc."""

load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

find_cc_toolchain = find_cpp_toolchain

def use_cc_toolchain():
    """Returns the toolchain types for a rule that calls find_cc_toolchain."""
    return ["@bazel_tools//tools/cpp:toolchain_type"]
