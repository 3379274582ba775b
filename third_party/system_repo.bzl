"""Repository rules that need no network: the system's copy, or files of our own."""

def _system_or_archive_impl(rctx):
    mode = rctx.os.environ.get("EVNET_SYSTEM_DEPS", "auto")
    if mode not in ["auto", "0", "1"]:
        fail("EVNET_SYSTEM_DEPS must be auto, 0 or 1, not %r" % mode)
    missing = [p for p in rctx.attr.system_paths if not rctx.path(p).exists]
    if mode != "0" and not missing:
        for link, target in rctx.attr.system_links.items():
            rctx.symlink(target, link)
        if rctx.attr.system_build_file:
            rctx.symlink(rctx.attr.system_build_file, "BUILD.bazel")
        rctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % rctx.name)
        return
    if mode == "1":
        fail("EVNET_SYSTEM_DEPS=1, but %s is missing; run ./setup.sh" % ", ".join(missing))
    rctx.download_and_extract(
        url = rctx.attr.urls,
        sha256 = rctx.attr.sha256,
        stripPrefix = rctx.attr.strip_prefix,
    )

system_or_archive = repository_rule(
    doc = "Links a copy installed on this machine; without one, downloads a pinned archive.",
    implementation = _system_or_archive_impl,
    attrs = {
        "sha256": attr.string(mandatory = True),
        "strip_prefix": attr.string(),
        "system_build_file": attr.label(allow_single_file = True),
        "system_links": attr.string_dict(doc = "Path in the repository -> absolute path."),
        "system_paths": attr.string_list(mandatory = True, doc = "All must exist."),
        "urls": attr.string_list(mandatory = True),
    },
    configure = True,
    environ = ["EVNET_SYSTEM_DEPS"],
)

def _linked_repository_impl(rctx):
    for label, path in rctx.attr.files.items():
        rctx.symlink(label, path)
    for path in rctx.attr.empty_files:
        rctx.file(path, "")
    rctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % rctx.name)

linked_repository = repository_rule(
    doc = "A repository made of files of this one.",
    implementation = _linked_repository_impl,
    attrs = {
        "empty_files": attr.string_list(),
        "files": attr.label_keyed_string_dict(allow_files = True, mandatory = True),
    },
)
