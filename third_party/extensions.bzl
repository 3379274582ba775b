"""The external repositories that evnet needs and the registry does not have, for Bazel 7 and newer."""

load(":system_library.bzl", "SYSTEM_LIBRARIES", "system_library")
load(":system_repo.bzl", "system_liburing", "systems")

def _system_impl(_module_ctx):
    system_liburing(name = "evnet_liburing")
    systems(name = "evnet_systems")
    for name in SYSTEM_LIBRARIES:
        system_library(name)

system = module_extension(
    doc = "Libraries that are installed on this machine. Missing ones are omitted.",
    implementation = _system_impl,
)
