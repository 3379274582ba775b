"""The layers of //net, and the check of dependencies between them.

The check runs when a BUILD file is loaded, so a forbidden edge fails immediately, with every compiler.
layers_test checks every pair of layers, and //net:layering_test checks the actual graph.
"""

# Layer -> the layers that it may depend on. A package belongs to the layer of its parent directory.
LAYERS = {
    "base": [],
    "buffer": ["base"],
    "poller": ["base"],
    "reactor": ["base", "buffer", "poller"],
    "balancer": ["base"],
    "metrics": ["base"],
    "proxy_protocol": ["base"],
    "server": ["balancer", "base", "buffer", "poller", "reactor"],
}

def _package_of(dep):
    """Returns the package of a label; None if it is relative or in another repository."""
    repository, slashes, rest = dep.partition("//")
    if not slashes or repository not in ["", "@", "@@", "@evnet"]:
        return None
    return rest.split(":")[0]

def _layer_of(package):
    return package.split("/")[1] if package.startswith("net/") else None

def layering_violation(package, dep):
    """Returns why an edge is forbidden.

    Args:
      package: the package that holds the library, such as "net/poller" or "net/poller/testing".
      dep: the label that it depends on.

    Returns:
      None if the edge is allowed, otherwise the reason why it is not.
    """
    if package != "net" and not package.startswith("net/"):
        return None  # Not in a layer, so it may use all of them: evnet, examples, fuzz, benchmarks.
    layer = _layer_of(package)
    if layer not in LAYERS:
        return "layering: //%s is in no layer of bazel/layers.bzl" % package
    target = _package_of(dep)
    if target == None or target == "third_party" or target.startswith("third_party/"):
        return None
    target_layer = _layer_of(target)
    if target_layer == layer or target_layer in LAYERS[layer]:
        return None
    return "layering: //%s may not depend on %s; layer %s may use %s (bazel/layers.bzl)" % (
        package,
        dep,
        layer,
        ", ".join(LAYERS[layer]) or "no other",
    )

def check_layering(package, name, deps):
    """Fails if a library's dependency is not allowed.

    Args:
      package: the library's package.
      name: the library's name.
      deps: its labels, as strings.
    """
    if (package == "net" or package.startswith("net/")) and _layer_of(package) not in LAYERS:
        fail("layering: //%s:%s is in no layer of bazel/layers.bzl" % (package, name))
    for dep in deps:
        violation = layering_violation(package, dep)
        if violation:
            fail("%s; library %s" % (violation, name))
