"""Reruns an existing test binary with different environment variables."""

# Bazel 4 lacks this configuration field. Later versions would download the tool even if it is not used.
_LCOV_MERGER = configuration_field(
    fragment = "coverage",
    name = "output_generator",
) if hasattr(native, "module_name") else "@bazel_tools//tools/test:lcov_merger"

def _again_test_impl(ctx):
    executable = ctx.actions.declare_file(ctx.label.name)
    test = ctx.attr.test[DefaultInfo]
    ctx.actions.symlink(
        output = executable,
        target_file = test.files_to_run.executable,
        is_executable = True,
    )
    return [
        DefaultInfo(executable = executable, runfiles = test.default_runfiles),
        testing.TestEnvironment(ctx.attr.variables),
        coverage_common.instrumented_files_info(ctx, dependency_attributes = ["test"]),
    ]

again_test = rule(
    implementation = _again_test_impl,
    attrs = {
        "test": attr.label(cfg = "target", executable = True, mandatory = True),
        "variables": attr.string_dict(),
        # Bazel looks these two up by name. Without them, `bazel coverage` ignores the test.
        "_collect_cc_coverage": attr.label(
            cfg = "exec",
            default = "@bazel_tools//tools/test:collect_cc_coverage",
            executable = True,
        ),
        "_lcov_merger": attr.label(
            cfg = "exec",
            default = _LCOV_MERGER,
            executable = True,
        ),
    },
    test = True,
)
