"""Runs a test over the test-only kqueue of //net/poller/testing/kqueue."""

def _flag_impl(_ctx):
    return []

# A flag of the command line, too: bazel test --//bazel:kqueue_standin //net/poller:contract_test
kqueue_standin_flag = rule(
    implementation = _flag_impl,
    build_setting = config.bool(flag = True),
)

def _kqueue_transition_impl(_settings, _attr):
    return {"//bazel:kqueue_standin": True}

_kqueue_transition = transition(
    implementation = _kqueue_transition_impl,
    inputs = [],
    outputs = ["//bazel:kqueue_standin"],
)

def _kqueue_test_impl(ctx):
    executable = ctx.actions.declare_file(ctx.label.name)
    test = ctx.attr.test[0][DefaultInfo]  # a transition makes a list of it
    ctx.actions.symlink(
        output = executable,
        target_file = test.files_to_run.executable,
        is_executable = True,
    )
    return [DefaultInfo(executable = executable, runfiles = test.default_runfiles)]

_kqueue_test = rule(
    implementation = _kqueue_test_impl,
    attrs = {
        "test": attr.label(cfg = _kqueue_transition, executable = True, mandatory = True),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
    test = True,
)

def evnet_kqueue_test(name, test, size = "small", **kwargs):
    """The same test, with all below it built over kqueue.

    Args:
      name: the target's name.
      test: an evnet_cc_test.
      size: of the test.
      **kwargs: as for any test.
    """
    _kqueue_test(
        name = name,
        size = size,
        test = test,
        **kwargs
    )
