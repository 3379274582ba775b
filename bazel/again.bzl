"""Runs a test that exists already, told something else by its environment."""

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
    ]

again_test = rule(
    implementation = _again_test_impl,
    attrs = {
        "test": attr.label(cfg = "target", executable = True, mandatory = True),
        "variables": attr.string_dict(),
    },
    test = True,
)
