"""Tests that the files of a library use each other in one direction only."""

load("@rules_shell//shell:sh_test.bzl", "sh_test")

def evnet_floors_test(name, libraries, floors, **kwargs):
    """Compares the symbols of compiled objects with a list of floors; tools/floors.py describes the list.

    Args:
      name: the target's name.
      libraries: targets; their own objects are checked together.
      floors: the file with the list.
      **kwargs: as for any test.
    """
    native.filegroup(
        name = name + "_objects",
        testonly = True,
        srcs = libraries,
        output_group = "compilation_outputs",
        tags = ["manual"],
        visibility = ["//visibility:private"],
    )
    sh_test(
        name = name,
        size = "small",
        srcs = ["//tools:floors.py"],
        args = [
            "$(rootpath %s)" % floors,
            "$(rootpaths :%s_objects)" % name,
        ],
        data = [
            floors,
            ":%s_objects" % name,
        ],
        **kwargs
    )
