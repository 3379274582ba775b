"""Replaces liburing on a system that does not have it."""

load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")

def _absent_library_impl(ctx):
    # An action, because the conditions in //:BUILD.bazel need this target to be analysed.
    header = ctx.actions.declare_file("liburing.h")
    ctx.actions.run_shell(
        command = "echo \"$1\" >&2; exit 1",
        arguments = ["--define=evnet_io_uring=on, but " + ctx.attr.reason],
        mnemonic = "NoLiburing",
        outputs = [header],
        progress_message = "Looking for liburing",
    )
    return [CcInfo(compilation_context = cc_common.create_compilation_context(
        headers = depset([header]),
    ))]

absent_library = rule(
    doc = "Fails to build, with the reason.",
    implementation = _absent_library_impl,
    attrs = {"reason": attr.string(mandatory = True)},
)
