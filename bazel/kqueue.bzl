"""Reruns a test over the test-only kqueue of //net/poller/testing/kqueue.

Code above the poller does not depend on the backend. A test over kqueue is therefore linked from the
objects of the test itself and from another poller; only //net/poller is compiled a second time.
"""

load("@rules_cc//cc:cc_test.bzl", "cc_test")
load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")

def _flag_impl(_ctx):
    return []

# Also a flag of the command line: bazel test --//bazel:kqueue_standin //net/poller:contract_test
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

_TestPartsInfo = provider(
    doc = "The inputs that a cc_test is linked from.",
    fields = {
        "linker_inputs": "a list of LinkerInput, in order: its own flags, then its deps",
        "objects": "a depset of the objects of its own sources",
    },
)

def _test_parts_impl(target, ctx):
    if ctx.rule.attr.data or ctx.rule.attr.env or ctx.rule.attr.args:
        fail("%s has data, env or args, which its test over kqueue would be without" % target.label)
    own = cc_common.create_linker_input(
        owner = target.label,
        user_link_flags = depset(ctx.rule.attr.linkopts),
    )
    deps = cc_common.merge_cc_infos(cc_infos = [dep[CcInfo] for dep in ctx.rule.attr.deps])
    return [_TestPartsInfo(
        linker_inputs = [own] + deps.linking_context.linker_inputs.to_list(),
        objects = target[OutputGroupInfo].compilation_outputs,
    )]

_test_parts = aspect(implementation = _test_parts_impl)

def _over_kqueue_impl(ctx):
    parts = ctx.attr.test[_TestPartsInfo]
    poller = ctx.attr.poller[0]  # a list, because of the transition

    # Replace the poller by the other one. The layers below it are linked already.
    inputs = parts.linker_inputs
    owners = [i.owner for i in inputs]
    if poller.label not in owners:
        fail("%s is not linked with %s" % (ctx.attr.test.label, poller.label))
    others = [
        i
        for i in poller[CcInfo].linking_context.linker_inputs.to_list()
        if i.owner == poller.label or i.owner not in owners
    ]
    linked = []
    for i in inputs:
        linked += others if i.owner == poller.label else [i]
    return [
        DefaultInfo(files = parts.objects),
        CcInfo(linking_context = cc_common.create_linking_context(
            linker_inputs = depset(linked, order = "topological"),
        )),
        coverage_common.instrumented_files_info(ctx, dependency_attributes = ["poller", "test"]),
    ]

_over_kqueue = rule(
    implementation = _over_kqueue_impl,
    attrs = {
        "poller": attr.label(cfg = _kqueue_transition, mandatory = True, providers = [CcInfo]),
        "test": attr.label(aspects = [_test_parts], mandatory = True),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
)

def evnet_kqueue_test(name, test, size = "small", **kwargs):
    """The same test, linked with the kqueue poller.

    Args:
      name: the target's name.
      test: an evnet_cc_test.
      size: of the test.
      **kwargs: as for any test.
    """
    _over_kqueue(
        name = name + "_parts",
        testonly = True,
        poller = "//net/poller",
        tags = ["manual"],
        test = test,
        visibility = ["//visibility:private"],
    )
    cc_test(
        name = name,
        size = size,
        srcs = [name + "_parts"],
        linkstatic = True,
        deps = [name + "_parts"],
        **kwargs
    )
