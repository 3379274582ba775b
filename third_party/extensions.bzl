"""The external repositories that evnet needs and the registry does not have, for Bazel 7 and newer."""

load(":system_repo.bzl", "system_liburing")

def _system_impl(_module_ctx):
    system_liburing(name = "evnet_liburing")

system = module_extension(
    doc = "Libraries that are installed on this machine. Missing ones are omitted.",
    implementation = _system_impl,
)
