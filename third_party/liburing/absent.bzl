"""In place of liburing where there is none."""

def _absent_library_impl(ctx):
    fail("--define=evnet_io_uring=on, but %s" % ctx.attr.reason)

absent_library = rule(
    doc = "Fails to build, and says why.",
    implementation = _absent_library_impl,
    attrs = {"reason": attr.string(mandatory = True)},
)
