"""A repository rule for an optional library of the system, which is linked if it is installed."""

load(":system_repo.bzl", "system_deps_mode")

_INCLUDE_ROOTS = ["/usr/local/include", "/usr/include", "/usr/include/%s-linux-gnu"]

_LIBRARY_ROOTS = ["/usr/local/lib", "/usr/local/lib64", "/usr/lib/%s-linux-gnu", "/usr/lib64", "/usr/lib"]

_FOUND = """load("@rules_cc//cc:cc_library.bzl", "cc_library")

package(default_visibility = ["//visibility:public"])

# Always matches, because no platform sets the constraint. A select() on it adds targets that need the library.
constraint_setting(
    name = "presence",
    default_constraint_value = ":installed",
)

constraint_value(
    name = "installed",
    constraint_setting = ":presence",
)

config_setting(
    name = "found",
    constraint_values = [":installed"],
)

cc_library(
    name = "{name}",
    hdrs = glob(["include/**"], allow_empty = True),
    includes = {includes},
    linkopts = {linkopts},
)
"""

# A target that depends on an incompatible one is incompatible itself: //... omits it, and to name it is an error
# that contains the constraint.
_ABSENT = """load("@rules_cc//cc:cc_library.bzl", "cc_library")

package(default_visibility = ["//visibility:public"])

constraint_setting(name = "installed")

constraint_value(
    name = "{package}_is_not_installed",
    constraint_setting = ":installed",
)

# Never matches.
config_setting(
    name = "found",
    constraint_values = [":{package}_is_not_installed"],
)

cc_library(
    name = "{name}",
    target_compatible_with = [":{package}_is_not_installed"],
)
"""

def _first_directory(rctx, roots, machine, directory, files):
    """Returns the first root/directory that contains one of the files, or None."""
    for root in roots:
        path = root.replace("%s", machine)
        if directory:
            path += "/" + directory
        for file in files:
            if rctx.path(path + "/" + file).exists:
                return path
    return None

def _system_library_impl(rctx):
    machine = rctx.execute(["uname", "-m"]).stdout.strip()
    found = system_deps_mode(rctx) != "0"
    includes = []
    for header, directory in rctx.attr.headers.items():
        path = _first_directory(rctx, _INCLUDE_ROOTS + _LIBRARY_ROOTS, machine, directory, [header])
        if not path:
            found = False
        elif directory:
            link = "include/%d" % len(includes)
            rctx.symlink(path, link)
            includes.append(link)
    for library in rctx.attr.libraries:
        files = ["lib%s.%s" % (library, extension) for extension in ["so", "a", "dylib"]]
        if not _first_directory(rctx, _LIBRARY_ROOTS, machine, "", files):
            found = False
    rctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % rctx.name)
    rctx.file("BUILD.bazel", (_FOUND if found else _ABSENT).format(
        name = rctx.attr.library,
        package = rctx.attr.package.replace("-", "_").replace(".", "_"),
        includes = repr(includes),
        linkopts = repr(["-l" + library for library in rctx.attr.libraries]),
    ))

_system_library = repository_rule(
    doc = """A library as installed on this machine; otherwise a target that makes its dependents incompatible.

    It is never downloaded. The search is repeated whenever Bazel's server starts, so it finds a later installation.""",
    implementation = _system_library_impl,
    attrs = {
        "headers": attr.string_dict(
            mandatory = True,
            doc = "Header -> directory that is added to the include path, below an include root; empty: the root.",
        ),
        "libraries": attr.string_list(mandatory = True, doc = "Names for -l."),
        "library": attr.string(mandatory = True, doc = "The name of the target."),
        "package": attr.string(mandatory = True, doc = "Debian's package, for messages."),
    },
    environ = ["EVNET_SYSTEM_DEPS"],
    local = True,
)

_LIBRARIES = {
    "cares": struct(package = "libc-ares-dev", headers = {"ares.h": ""}, libraries = ["cares"]),
    "curl": struct(package = "libcurl4-openssl-dev", headers = {"curl/curl.h": ""}, libraries = ["curl"]),
    "glib": struct(
        package = "libglib2.0-dev",
        headers = {
            "glib.h": "glib-2.0",
            "glibconfig.h": "glib-2.0/include",
        },
        libraries = ["glib-2.0"],
    ),
    "hiredis": struct(package = "libhiredis-dev", headers = {"hiredis/async.h": ""}, libraries = ["hiredis"]),
    "libev": struct(package = "libev-dev", headers = {"ev.h": ""}, libraries = ["ev"]),
    "libevent": struct(package = "libevent-dev", headers = {"event2/event.h": ""}, libraries = ["event_core"]),
    "libpq": struct(package = "libpq-dev", headers = {"libpq-fe.h": "postgresql"}, libraries = ["pq"]),
    "libuv": struct(package = "libuv1-dev", headers = {"uv.h": ""}, libraries = ["uv"]),
}

# The names of the repositories that system_library defines.
SYSTEM_LIBRARIES = sorted(["evnet_" + library for library in _LIBRARIES])

def system_library(name):
    """Defines the repository of an optional library: @evnet_curl//:curl, for example.

    Args:
      name: one of SYSTEM_LIBRARIES.
    """
    library = name[len("evnet_"):]
    description = _LIBRARIES[library]
    _system_library(
        name = name,
        library = library,
        package = description.package,
        headers = description.headers,
        libraries = description.libraries,
    )
