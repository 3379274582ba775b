"""The archives of evnet that a program links."""

load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")

def _archives_impl(ctx):
    archives = []
    for linker_input in ctx.attr.library[CcInfo].linking_context.linker_inputs.to_list():
        if linker_input.owner.workspace_name != ctx.label.workspace_name:
            continue
        for library in linker_input.libraries:
            archives += [a for a in [library.static_library, library.pic_static_library] if a]
    return [DefaultInfo(
        files = depset(archives),
        runfiles = ctx.runfiles(archives),
    )]

archives = rule(
    doc = "The archives of a library and of all libraries of this repository that it depends on.",
    implementation = _archives_impl,
    attrs = {"library": attr.label(
        mandatory = True,
        providers = [CcInfo],
    )},
)
