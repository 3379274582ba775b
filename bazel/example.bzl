"""An example: a program of one file, and a test that runs it."""

load(":defs.bzl", "evnet_cc_binary", "evnet_cc_test")

def evnet_example(
        name,
        test_deps = [],
        test_target_compatible_with = [],
        visibility = ["//examples:__subpackages__"]):
    """Builds name.c on evnet, and runs it in name_test.cc, which finds the program by $PROGRAM.

    The source is exported for the checks of the README.

    Args:
      name: of the program.
      test_deps: labels, beside the process, the client and the waiting that all tests of examples use.
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
