"""The external repositories that evnet needs, for Bazel 4 and 5. Newer versions read MODULE.bazel.

Labels here are Label()s, so they refer to this repository under any name that the consumer gives it.
"""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")
load(":system_library.bzl", "SYSTEM_LIBRARIES", "system_library")
load(":system_repo.bzl", "linked_repository", "system_liburing", "system_or_archive", "systems")

def evnet_deps():
    """Defines the repositories that //net/... needs. It downloads nothing.

    Bazel has a default for each of these names, which is a download. A definition in WORKSPACE overrides it.
    """

    # Debian's Bazel does not report its version, so check for a feature instead.
    if hasattr(native, "module_name"):
        fail("evnet_deps() is for Bazel 4 and 5: with Bazel 7 and newer use MODULE.bazel")

    maybe(
        linked_repository,
        name = "rules_cc",
        empty_files = [
            "BUILD.bazel",
            "cc/common/BUILD.bazel",
        ],
        files = dict([
            (Label("//third_party/compat/rules_cc:%s" % f), "cc/%s" % f)
            for f in ["cc_binary.bzl", "cc_import.bzl", "cc_library.bzl", "cc_test.bzl", "defs.bzl", "find_cc_toolchain.bzl"]
        ] + [
            (Label("//third_party/compat/rules_cc:%s" % f), "cc/common/%s" % f)
            for f in ["cc_common.bzl", "cc_common_builtin.bzl", "cc_info.bzl", "cc_info_builtin.bzl"]
        ] + [
            (Label("//third_party/compat/rules_cc:cc.BUILD"), "cc/BUILD.bazel"),
            (Label("//third_party/compat/rules_cc:compiler.BUILD"), "cc/compiler/BUILD.bazel"),
        ]),
    )
    maybe(
        linked_repository,
        name = "rules_shell",
        empty_files = [
            "BUILD.bazel",
            "shell/BUILD.bazel",
        ],
        files = {
            Label("//third_party/compat/rules_shell:%s" % f): "shell/%s" % f
            for f in ["sh_binary.bzl", "sh_library.bzl", "sh_test.bzl"]
        },
    )

    # @bazel_tools loads it even if no Java is built.
    maybe(
        linked_repository,
        name = "rules_java",
        empty_files = ["BUILD.bazel", "java/BUILD.bazel"],
        files = {
            Label("//third_party/compat/rules_java:defs.bzl"): "java/defs.bzl",
        },
    )

    # The system's liburing. Without it, the io_uring backend is not built.
    maybe(
        system_liburing,
        name = "evnet_liburing",
    )

    maybe(
        systems,
        name = "evnet_systems",
    )

    # Libraries of the system that only optional targets need.
    for name in SYSTEM_LIBRARIES:
        maybe(
            system_library,
            name = name,
        )

    # Every cc_test depends on it, with and without coverage.
    maybe(
        linked_repository,
        name = "remote_coverage_tools",
        files = {
            Label("//third_party/compat/coverage:coverage.BUILD"): "BUILD.bazel",
            Label("//third_party/compat/coverage:lcov_merger.py"): "lcov_merger.py",
        },
    )

def evnet_dev_deps():
    """Defines the repositories that evnet's own tests and benchmarks need."""
    maybe(
        system_or_archive,
        name = "com_google_googletest",
        sha256 = "81964fe578e9bd7c94dfdb09c8e4d6e6759e19967e397dbea48d1c10e45d0df2",
        strip_prefix = "googletest-release-1.12.1",
        system_build_file = Label("//third_party/googletest:system.BUILD"),
        system_links = {
            "googlemock": "/usr/src/googletest/googlemock",
            "googletest": "/usr/src/googletest/googletest",
        },
        system_paths = ["/usr/src/googletest/googletest/src/gtest-all.cc"],
        urls = ["https://github.com/google/googletest/archive/refs/tags/release-1.12.1.tar.gz"],
    )
    maybe(
        system_or_archive,
        name = "com_github_google_benchmark",
        sha256 = "6430e4092653380d9dc4ccb45a1e2dc9259d581f4866dc0759713126056bc1d7",
        strip_prefix = "benchmark-1.7.1",
        system_build_file = Label("//third_party/benchmark:system.BUILD"),
        system_links = {"include/benchmark": "/usr/include/benchmark"},
        system_paths = ["/usr/include/benchmark/benchmark.h"],
        urls = ["https://github.com/google/benchmark/archive/refs/tags/v1.7.1.tar.gz"],
    )
