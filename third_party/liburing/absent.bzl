"""Replaces liburing on a system that does not have it."""

def _absent_library_impl(ctx):
    fail("--define=evnet_io_uring=on, but %s" % ctx.attr.reason)

absent_library = rule(
    doc = "Fails to build, with the reason.",
    implementation = _absent_library_impl,
    attrs = {"reason": attr.string(mandatory = True)},
)
