"""Builds and tests an example, which is a program of one file."""

load(":defs.bzl", "evnet_cc_binary", "evnet_cc_test")

def evnet_example(
        name,
        test_deps = [],
        test_target_compatible_with = [],
        visibility = ["//benchmarks:__pkg__", "//examples:__subpackages__"]):
    """Builds name.c, and name_test.cc, which runs the program that $PROGRAM names.

    The source is exported, because checks of README.md read it.

    Args:
      name: of the program.
      test_deps: labels, in addition to the helpers that all tests of examples use.
      test_target_compatible_with: of the test.
      visibility: of the program.
    """
    native.exports_files(
        [name + ".c"],
        visibility = ["//examples/readme:__pkg__"],
    )
    evnet_cc_binary(
        name = name,
        srcs = [name + ".c"],
        visibility = visibility,
        deps = [
            "//evnet",
            "//examples/command_line",
        ],
    )
    evnet_cc_test(
        name = name + "_test",
        srcs = [name + "_test.cc"],
        data = [":" + name],
        env = {"PROGRAM": "$(rootpath :%s)" % name},
        target_compatible_with = test_target_compatible_with,
        deps = [
            "//examples/testing:process",
            "//net/server/testing:client",
            "//net/server/testing:wait",
        ] + test_deps,
    )
