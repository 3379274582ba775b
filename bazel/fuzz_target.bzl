"""Fuzz targets of evnet."""

load(":defs.bzl", "evnet_cc_library")

# For rules_fuzzing, replace this line by the next one (fuzz/README.md):
# load("@rules_fuzzing//fuzzing:cc_defs.bzl", "cc_fuzz_test")
load(":fuzzing.bzl", "cc_fuzz_test")

def evnet_fuzz_test(name, srcs, corpus, deps, dicts = [], target_compatible_with = []):
    """Defines the library x_target and its fuzz test x.

    Args:
      name: x.
      srcs: sources in C.
      corpus: files, one for each input.
      deps: of the library.
      dicts: at most one libFuzzer dictionary.
      target_compatible_with: of both.
    """
    evnet_cc_library(
        name = name + "_target",
        testonly = True,
        srcs = srcs,
        tags = ["manual"],
        target_compatible_with = target_compatible_with,
        visibility = ["//visibility:private"],
        deps = deps,
        # Only the engine refers to LLVMFuzzerTestOneInput, so the linker would drop the library.
        alwayslink = True,
    )
    cc_fuzz_test(
        name = name,
        corpus = corpus,
        dicts = dicts,
        # --config=msan can run it.
        tags = ["pure-c"],
        target_compatible_with = target_compatible_with,
        deps = [":%s_target" % name],
    )
