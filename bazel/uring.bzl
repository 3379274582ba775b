"""Runs a test that exists already over io_uring."""

def _uring_test_impl(ctx):
    executable = ctx.actions.declare_file(ctx.label.name)
    test = ctx.attr.test[DefaultInfo]
    ctx.actions.symlink(
        output = executable,
        target_file = test.files_to_run.executable,
        is_executable = True,
    )
    return [
        DefaultInfo(executable = executable, runfiles = test.default_runfiles),
        testing.TestEnvironment({"EVNET_TEST_BACKEND": "io_uring"}),
    ]

_uring_test = rule(
    implementation = _uring_test_impl,
    attrs = {"test": attr.label(cfg = "target", executable = True, mandatory = True)},
    test = True,
)

def evnet_uring_test(name, test, size = "small", **kwargs):
    """The same binary, told by EVNET_TEST_BACKEND to use io_uring; it skips where that is refused.

    Args:
      name: the target's name.
      test: an evnet_cc_test whose fixture heeds EVNET_TEST_BACKEND.
      size: of the test.
      **kwargs: as for any test.
    """
    _uring_test(
        name = name,
        size = size,
        test = test,
        **kwargs
    )
