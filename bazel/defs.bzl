"""Rules for evnet's own code: strict warnings, C11, layering."""

load("@rules_cc//cc:cc_binary.bzl", "cc_binary")
load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("@rules_cc//cc:cc_test.bzl", "cc_test")
load(":layers.bzl", "check_layering")

# target_compatible_with of what only Linux can build or run: skipped elsewhere under a wildcard, an
# error that names the target when asked for by name.
LINUX_ONLY = ["@platforms//os:linux"]

# The same for what only clang can build; may be added to LINUX_ONLY.
CLANG_ONLY = select({
    "//:clang": [],
    "//conditions:default": ["//bazel:incompatible"],
})

_WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Wpointer-arith",
    "-Wshadow",
    "-Wundef",
    "-Wwrite-strings",
]

C_COPTS = _WARNINGS + [
    "-std=c11",
    "-D_GNU_SOURCE",
    "-Wconversion",
    "-Wmissing-prototypes",
    "-Wstrict-prototypes",
    "-Wvla",
]

CXX_COPTS = _WARNINGS + ["-std=c++17"]

def language_copts(name, srcs):
    """The flags for a target's language; one target has one, as a target's copts reach all its sources.

    Args:
      name: the target's name, for the message.
      srcs: its sources; headers alone count as C.

    Returns:
      C_COPTS or CXX_COPTS.
    """
    c = [s for s in srcs if s.endswith(".c")]
    cxx = [s for s in srcs if s.endswith(".cc")]
    if c and cxx:
        fail("%s mixes C (%s) and C++ (%s): make two targets" % (name, c[0], cxx[0]))
    return CXX_COPTS if cxx else C_COPTS

def evnet_cc_library(
        name,
        srcs = [],
        deps = [],
        select_srcs = {},
        select_deps = {},
        copts = [],
        features = [],
        linkstatic = True,
        **kwargs):
    """A library in C11 (or, with .cc sources, C++17 for tests) that keeps to its layer.

    Args:
      name: the target's name.
      srcs: sources of one language.
      deps: labels; a plain list, as a select() could not be looked into for layering.
      select_srcs: condition -> sources: a platform is a file.
      select_deps: condition -> labels, for what deps cannot hold; checked likewise.
      copts: after the usual ones.
      features: after the usual ones.
      linkstatic: True, since symbols are hidden by default: a shared library for each target, which
        Bazel would make for tests, would export nothing.
      **kwargs: as for cc_library.
    """
    if type(deps) != "list":
        fail("%s: deps must be a list; use select_deps for what depends on the configuration" % name)
    check_layering(native.package_name(), name, deps)
    for labels in select_deps.values():
        check_layering(native.package_name(), name, labels)
    all_srcs = srcs + [s for chosen in select_srcs.values() for s in chosen]
    cc_library(
        name = name,
        srcs = srcs + (select(select_srcs) if select_srcs else []),
        copts = language_copts(name, all_srcs) + ["-fvisibility=hidden"] + copts,
        # gcc knows no layering_check and ignores it; CI builds with clang for its sake.
        features = ["layering_check"] + features,
        linkstatic = linkstatic,
        deps = deps + (select(select_deps) if select_deps else []),
        **kwargs
    )

def evnet_cc_binary(name, srcs, copts = [], features = [], **kwargs):
    """A program in C11.

    Args:
      name: the target's name.
      srcs: sources of one language.
      copts: after the usual ones.
      features: after the usual ones.
      **kwargs: as for cc_binary.
    """
    cc_binary(
        name = name,
        srcs = srcs,
        copts = language_copts(name, srcs) + copts,
        features = ["layering_check"] + features,
        **kwargs
    )

# See prelude.bzl.
_PRELUDE = "//bazel:test_prelude"

def evnet_cc_test(
        name,
        srcs,
        deps = [],
        copts = [],
        size = "small",
        linkstatic = True,
        visibility = ["//net:__pkg__"],
        **kwargs):
    """A GoogleTest test in C++17 of C code.

    Args:
      name: the target's name.
      srcs: C++ sources.
      deps: what is under test; GoogleTest and its main are added.
      copts: after the usual ones.
      size: of the test.
      linkstatic: True, so that a test binary runs wherever it is copied to.
      visibility: that of //net:architecture_test, which asks tests for their names.
      **kwargs: as for cc_test.
    """
    cc_test(
        name = name,
        size = size,
        srcs = srcs,
        copts = CXX_COPTS + copts + ["$(PRELUDE)"],
        linkstatic = linkstatic,
        visibility = visibility,
        toolchains = [_PRELUDE],
        deps = deps + [
            _PRELUDE,
            "@com_google_googletest//:gtest_main",
        ],
        **kwargs
    )

def evnet_cc_benchmark(name, srcs, deps = [], copts = [], tags = [], size = "small", **kwargs):
    """A Google Benchmark in C++17, which `bazel test` runs once, briefly, so that none rots.

    To measure: bazel run -c opt //net/buffer:ring_benchmark.

    Args:
      name: the target's name.
      srcs: C++ sources.
      deps: what is measured; Google Benchmark and its main are added.
      copts: after the usual ones.
      tags: "benchmark" is added.
      size: of the test.
      **kwargs: as for cc_test.
    """
    cc_test(
        name = name,
        size = size,
        srcs = srcs,
        copts = CXX_COPTS + copts,
        # --benchmark_min_time=0.01 by its other name: `bazel test` alone sets env, while args would
        # shorten `bazel run` as well.
        env = {"BENCHMARK_MIN_TIME": "0.01"},
        linkstatic = True,
        tags = tags + ["benchmark"],
        deps = deps + ["@com_github_google_benchmark//:benchmark_main"],
        **kwargs
    )
