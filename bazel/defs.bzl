"""Rules for evnet's own code: strict warnings, C11, layering."""

load("@rules_cc//cc:cc_binary.bzl", "cc_binary")
load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("@rules_cc//cc:cc_test.bzl", "cc_test")
load(":layers.bzl", "check_layering")

# target_compatible_with of targets that only Linux can build or run. Elsewhere Bazel skips them in a
# wildcard, and reports an error if they are named.
LINUX_ONLY = ["@platforms//os:linux"]

# The same for targets that only clang can build. It may be added to LINUX_ONLY.
CLANG_ONLY = select({
    "@rules_cc//cc/compiler:clang": [],
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
    """Returns the flags for a target's language. A target has one language, because copts apply to all sources.

    Args:
      name: the target's name, for the message.
      srcs: its sources; only headers: C.

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
      deps: labels; a plain list, because the layering check cannot look into a select().
      select_srcs: condition -> sources, for files of one platform.
      select_deps: condition -> labels, for deps that depend on the configuration; checked too.
      copts: added after the default ones.
      features: added after the default ones.
      linkstatic: True, because symbols are hidden by default. Bazel would otherwise build a shared
        library of each target for tests, which would export nothing.
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
        # Only clang supports layering_check, so CI also builds with clang; gcc ignores it.
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
      copts: added after the default ones.
      features: added after the default ones.
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

# See its header.
_EXPLAIN = "//net/base/testing:explain"

def evnet_cc_test(
        name,
        srcs,
        deps = [],
        copts = [],
        size = "small",
        linkstatic = True,
        visibility = ["//net:__pkg__"],
        prelude = True,
        **kwargs):
    """A GoogleTest test in C++17 of C code.

    Args:
      name: the target's name.
      srcs: C++ sources.
      deps: the libraries under test; GoogleTest, its main and //net/base/testing:explain are added.
      copts: added after the default ones.
      size: of the test.
      linkstatic: True, so that a test binary runs wherever it is copied to.
      visibility: must include //net:architecture_test, which lists the names of tests.
      prelude: False for a test in another version of C++ than the precompiled headers.
      **kwargs: as for cc_test.
    """
    cc_test(
        name = name,
        size = size,
        srcs = srcs,
        copts = CXX_COPTS + copts + (["$(PRELUDE)"] if prelude else []),
        linkstatic = linkstatic,
        visibility = visibility,
        toolchains = [_PRELUDE] if prelude else [],
        deps = deps + ([_PRELUDE] if prelude else []) + [
            _EXPLAIN,
            "@com_google_googletest//:gtest_main",
        ],
        **kwargs
    )

def evnet_cc_benchmark(name, srcs, deps = [], copts = [], tags = [], size = "small", **kwargs):
    """A Google Benchmark in C++17, which `bazel test` runs once, briefly, to check that it still works.

    To measure: bazel run -c opt //net/buffer:ring_benchmark.

    Args:
      name: the target's name.
      srcs: C++ sources.
      deps: the libraries that are measured; Google Benchmark and its main are added.
      copts: added after the default ones.
      tags: "benchmark" is added.
      size: of the test.
      **kwargs: as for cc_test.
    """
    cc_test(
        name = name,
        size = size,
        srcs = srcs,
        copts = CXX_COPTS + copts,
        # Sets --benchmark_min_time=0.01 by its environment variable, which only `bazel test` sets; args
        # would also shorten `bazel run`.
        env = {"BENCHMARK_MIN_TIME": "0.01"},
        linkstatic = True,
        tags = tags + ["benchmark"],
        deps = deps + ["@com_github_google_benchmark//:benchmark_main"],
        **kwargs
    )
