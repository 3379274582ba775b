"""What evnet needs of other repositories and the registry has not, for Bazel 7 and newer."""

load(":system_repo.bzl", "system_liburing")

def _system_impl(_module_ctx):
    system_liburing(name = "evnet_liburing")

system = module_extension(
    doc = "Libraries as they are installed on this machine; what is missing is left out.",
    implementation = _system_impl,
)
