"""Repository rules for the system's copy of a library, or for files of this repository."""

def system_deps_mode(rctx):
    """Returns the value of EVNET_SYSTEM_DEPS.

    Args:
      rctx: the repository_ctx.

    Returns:
      "auto"; "0", to use nothing that is installed; "1", to fail if something is not installed.
    """
    mode = rctx.os.environ.get("EVNET_SYSTEM_DEPS", "auto")
    if mode not in ["auto", "0", "1"]:
        fail("EVNET_SYSTEM_DEPS must be auto, 0 or 1, not %r" % mode)
    return mode

def _system_or_archive_impl(rctx):
    mode = system_deps_mode(rctx)
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
    doc = "Links to the copy on this machine. If there is none, downloads a pinned archive.",
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

# The functions that the io_uring backend needs; liburing 2.3 has all of them.
_LIBURING_NEEDS = [
    "io_uring_prep_recv_multishot",
    "io_uring_register_buf_ring",
    "io_uring_submit_and_get_events",
]

def _first_that_exists(rctx, paths):
    for path in paths:
        if rctx.path(path).exists:
            return path
    return None

def _liburing_reason(rctx, include, library):
    """Returns why the backend cannot be built; None if it can."""
    if system_deps_mode(rctx) == "0":
        return "EVNET_SYSTEM_DEPS=0 asks for nothing of the system's"
    if not include or not library:
        return "liburing-dev is not installed (./setup.sh installs it)"
    header = rctx.read(include + "/liburing.h")
    for name in _LIBURING_NEEDS:
        if name not in header:
            return "the system's liburing is older than 2.3: it has no %s" % name
    return None

def _version_near(rctx, directory):
    pc = _first_that_exists(rctx, [directory + "/pkgconfig/liburing.pc"])
    for line in rctx.read(pc).split("\n") if pc else []:
        if line.startswith("Version:"):
            return " " + line[len("Version:"):].strip()
    return ""

def _system_liburing_impl(rctx):
    include = None
    library = None
    if rctx.os.name.lower().startswith("linux"):
        machine = rctx.execute(["uname", "-m"]).stdout.strip()
        header = _first_that_exists(rctx, ["/usr/local/include/liburing.h", "/usr/include/liburing.h"])
        include = header.rpartition("/")[0] if header else None
        library = _first_that_exists(rctx, [
            "%s/liburing.%s" % (directory, extension)
            for directory in [
                "/usr/local/lib",
                "/usr/local/lib64",
                "/usr/lib/%s-linux-gnu" % machine,
                "/usr/lib64",
                "/usr/lib",
            ]
            for extension in ["a", "so"]
        ])
    rctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % rctx.name)
    reason = _liburing_reason(rctx, include, library)
    if reason:
        print("evnet: the io_uring backend is left out: " + reason)  # buildifier: disable=print
        rctx.symlink(rctx.attr.absent_build_file, "BUILD.bazel")
        rctx.symlink(rctx.attr.absent_bzl, "absent.bzl")
        rctx.file("reason.bzl", "\"\"\"Why.\"\"\"\n\nREASON = %s\n" % repr(reason))
        return
    version = _version_near(rctx, library.rpartition("/")[0])
    print("evnet: the io_uring backend is built, on the system's liburing%s" % version)  # buildifier: disable=print
    rctx.symlink(rctx.attr.build_file, "BUILD.bazel")
    rctx.symlink(include + "/liburing.h", "include/liburing.h")
    rctx.symlink(include + "/liburing", "include/liburing")
    if library.endswith(".a"):
        rctx.symlink(library, "lib/liburing.a")

system_liburing = repository_rule(
    doc = """liburing as installed on this machine. Otherwise a repository whose :found never matches.

    It is never downloaded. The search is repeated whenever Bazel's server starts, so it finds a later installation.""",
    implementation = _system_liburing_impl,
    attrs = {
        "absent_build_file": attr.label(
            allow_single_file = True,
            default = Label("//third_party/liburing:absent.BUILD"),
        ),
        "absent_bzl": attr.label(
            allow_single_file = True,
            default = Label("//third_party/liburing:absent.bzl"),
        ),
        "build_file": attr.label(
            allow_single_file = True,
            default = Label("//third_party/liburing:system.BUILD"),
        ),
    },
    environ = ["EVNET_SYSTEM_DEPS"],
    local = True,
)

def _linked_repository_impl(rctx):
    for label, path in rctx.attr.files.items():
        rctx.symlink(label, path)
    for path in rctx.attr.empty_files:
        rctx.file(path, "")
    rctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % rctx.name)

linked_repository = repository_rule(
    doc = "A repository that consists of files of this one.",
    implementation = _linked_repository_impl,
    attrs = {
        "empty_files": attr.string_list(),
        "files": attr.label_keyed_string_dict(allow_files = True, mandatory = True),
    },
)

# Systems for which not every version of @platforms has a constraint value.
_SYSTEMS = [
    "dragonfly",
    "netbsd",
]

def _systems_impl(rctx):
    known = rctx.read(Label("@platforms//os:BUILD"))
    text = "package(default_visibility = [\"//visibility:public\"])\n"
    for name in _SYSTEMS:
        if "name = \"%s\"" % name in known:
            text += "alias(name = \"%s\", actual = \"@platforms//os:%s\")\n" % (name, name)
        else:
            text += "constraint_value(name = \"%s\", constraint_setting = \"@platforms//os:os\")\n" % name
    rctx.file("BUILD.bazel", text)
    rctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % rctx.name)

systems = repository_rule(
    doc = """Constraint values of systems: those of @platforms, or new ones where it has none.

    A platform of such a system names the value @evnet_systems//:NAME, which is the one of @platforms if there is one.""",
    implementation = _systems_impl,
)
