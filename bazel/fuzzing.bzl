"""cc_fuzz_test with the interface of @rules_fuzzing//fuzzing:cc_defs.bzl.

That rule set needs Python packages from the network; this one does not. Changing to it takes one load line.
"""

load("@rules_cc//cc:cc_binary.bzl", "cc_binary")
load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("@rules_cc//cc:cc_test.bzl", "cc_test")
load(":defs.bzl", "language_copts")

_ENGINE_LINKOPTS = select({
    "//:libfuzzer": ["-fsanitize=fuzzer"],
    "//conditions:default": [],
})

_ENGINE_DEPS = select({
    "//:libfuzzer": [],
    "//conditions:default": ["//fuzz:replay_main"],
})

# libFuzzer requires clang. Without it, any compiler works.
_ENGINE_COMPATIBLE_WITH = select({
    "//:libfuzzer": ["//bazel:incompatible"],
    "//:libfuzzer_with_clang": [],
    "//conditions:default": [],
})

def cc_fuzz_test(
        name,
        corpus = [],
        dicts = [],
        size = "small",
        tags = [],
        timeout = None,
        srcs = [],
        deps = [],
        copts = [],
        data = [],
        target_compatible_with = [],
        **kwargs):
    """Defines a fuzz target around LLVMFuzzerTestOneInput.

    `bazel test //fuzz:x` runs the target once with each input of the corpus, with any compiler and configuration.
    `bazel run --config=fuzz //fuzz:x_bin -- -max_total_time=20 NEW_DIR CORPUS_DIR` fuzzes; it needs clang.

    Args:
      name: x.
      corpus: files, one for each input.
      dicts: libFuzzer dictionaries, in the runfiles of x_bin.
      size: of the test.
      tags: of both; the test also gets "fuzz-regression", and "pure-c" if all sources are C.
      timeout: of the test.
      srcs: sources of one language.
      deps: as for cc_binary.
      copts: added after the default ones.
      data: as for cc_binary.
      target_compatible_with: of both.
      **kwargs: passed to both.
    """
    pure_c = ["pure-c"] if not [s for s in srcs if not s.endswith((".c", ".h"))] else []
    cc_library(
        name = name + "_lib_",
        testonly = True,
        srcs = srcs,
        copts = language_copts(name, srcs) + copts,
        features = ["layering_check"],
        linkstatic = True,
        tags = ["manual"],
        deps = deps,
        # Only the engine refers to LLVMFuzzerTestOneInput, so the linker would drop the library.
        alwayslink = True,
    )
    native.filegroup(name = name + "_corpus", testonly = True, srcs = corpus)
    native.filegroup(name = name + "_dict", testonly = True, srcs = dicts)
    cc_test(
        name = name,
        size = size,
        timeout = timeout,
        args = ["$(rootpaths :%s_corpus)" % name] if corpus else [],
        data = data + [":%s_corpus" % name],
        linkopts = _ENGINE_LINKOPTS,
        linkstatic = True,
        tags = tags + ["fuzz-regression"] + pure_c,
        target_compatible_with = target_compatible_with + _ENGINE_COMPATIBLE_WITH,
        deps = [":%s_lib_" % name] + _ENGINE_DEPS,
        **kwargs
    )
    cc_binary(
        name = name + "_bin",
        testonly = True,
        data = data + [":%s_dict" % name],
        linkopts = _ENGINE_LINKOPTS,
        tags = tags + ["fuzz-binary"],
        target_compatible_with = target_compatible_with + _ENGINE_COMPATIBLE_WITH,
        deps = [
            ":%s_lib_" % name,
            "//fuzz:working_directory",
        ] + _ENGINE_DEPS,
        **kwargs
    )
