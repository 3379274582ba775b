"""Writes the result of the layering check for every possible edge to a file, for layers_test."""

load(":layers.bzl", "LAYERS", "layering_violation")

def _line(package, dep):
    return "%s %s %s" % (package, dep, layering_violation(package, dep) or "allowed")

def _layers_report_impl(ctx):
    packages = ["net/" + layer for layer in LAYERS]
    lines = []
    for package in packages:
        for dep in packages:
            # Each form of the label, and packages below the layer's package, as source and as target.
            lines.append(_line(package, "//" + dep))
            lines.append(_line(package, "//%s:%s" % (dep, "part")))
            lines.append(_line(package, "@evnet//" + dep))
            lines.append(_line(package, "//%s/testing:fake" % dep))
            lines.append(_line(package + "/testing", "//" + dep))
        for dep in [":part", "part.c", "@liburing//:uring", "//third_party/x"]:
            lines.append(_line(package, dep))
        for dep in ["//evnet", "//net", "//netx", "//fuzz:x"]:
            lines.append(_line(package, dep))
    for package in ["net", "net/unheard_of", "netx", "evnet", "examples/echo"]:
        lines.append(_line(package, "//net/server"))
    report = ctx.actions.declare_file(ctx.label.name + ".txt")
    ctx.actions.write(report, "\n".join(lines) + "\n")
    return [DefaultInfo(
        files = depset([report]),
        runfiles = ctx.runfiles([report]),
    )]

layers_report = rule(implementation = _layers_report_impl)
