"""cc_fuzz_test with the interface of @rules_fuzzing//fuzzing:cc_defs.bzl.

That rule set needs Python packages from the network; this one does not. fuzz_target.bzl chooses between them.
"""

load("@rules_cc//cc:cc_binary.bzl", "cc_binary")
load("@rules_cc//cc:cc_test.bzl", "cc_test")

_ENGINE_LINKOPTS = select({
    "//:libfuzzer": ["-fsanitize=fuzzer"],
    "//conditions:default": [],
})

_ENGINE_DEPS = select({
    "//:libfuzzer": [],
    "//conditions:default": ["//fuzz:replay_main"],
})

# Only the test has the limits; x_bin is run by hand.
_TEST_DEPS = select({
    "//:libfuzzer": ["//fuzz:bounded"],
    "//conditions:default": [],
})

# libFuzzer requires clang. Without it, any compiler works.
_ENGINE_COMPATIBLE_WITH = select({
    "//:libfuzzer_without_clang": ["//bazel:incompatible"],
    "//conditions:default": [],
})

def cc_fuzz_test(
        name,
        corpus = [],
        dicts = [],
        size = "small",
        tags = [],
        timeout = None,
        deps = [],
        data = [],
        target_compatible_with = [],
        **kwargs):
    """Defines a fuzz target around LLVMFuzzerTestOneInput.

    `bazel test //fuzz:x` runs the target once with each input of the corpus, with any compiler and configuration.
    `bazel test --config=fuzz //fuzz:x` searches for 20 s, or for the time in --test_env=EVNET_FUZZ_SECONDS=60;
    it needs clang, like `bazel run --config=fuzz //fuzz:x_bin -- -max_total_time=20 NEW_DIR CORPUS_DIR`.

    Args:
      name: x.
      corpus: files, one for each input.
      dicts: at most one libFuzzer dictionary, in the runfiles of both.
      size: of the test.
      tags: of both; the test also gets "fuzz-regression", and x_bin "fuzz-binary".
      timeout: of the test.
      deps: as for cc_binary; the library that defines LLVMFuzzerTestOneInput needs alwayslink.
      data: as for cc_binary.
      target_compatible_with: of both.
      **kwargs: passed to both.
    """
    if len(dicts) > 1:
        fail("%s: libFuzzer reads one dictionary, not %s" % (name, ", ".join(dicts)))
    args = ["-dict=$(rootpath %s)" % dict_file for dict_file in dicts]
    if corpus:
        args.append("$(rootpaths :%s_corpus)" % name)
    native.filegroup(name = name + "_corpus", testonly = True, srcs = corpus)
    cc_test(
        name = name,
        size = size,
        timeout = timeout,
        args = args,
        data = data + dicts + [":%s_corpus" % name],
        linkopts = _ENGINE_LINKOPTS,
        linkstatic = True,
        tags = tags + ["fuzz-regression"],
        target_compatible_with = target_compatible_with + _ENGINE_COMPATIBLE_WITH,
        deps = deps + _ENGINE_DEPS + _TEST_DEPS,
        **kwargs
    )
    cc_binary(
        name = name + "_bin",
        testonly = True,
        data = data + dicts,
        linkopts = _ENGINE_LINKOPTS,
        tags = tags + ["fuzz-binary"],
        target_compatible_with = target_compatible_with + _ENGINE_COMPATIBLE_WITH,
        deps = deps + ["//fuzz:working_directory"] + _ENGINE_DEPS,
        **kwargs
    )
