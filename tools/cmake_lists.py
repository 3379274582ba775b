#!/usr/bin/env python3
"""Writes CMake's lists of files from Bazel's BUILD files: tools/cmake_lists.py [--check [QUERY]]

The lists are in cmake/sources.cmake and cmake/tests.cmake. With --check, nothing is written; a list that differs is an
error. QUERY is a file with the labels of all files that Bazel finds below //evnet; its sources must be those that this script
finds.

A BUILD file is evaluated as Python, which Starlark resembles. Functions of bazel/*.bzl that this script does not know do
nothing. Tests that read other files, or run programs, are left to Bazel.
"""

import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
DEFAULT = "//conditions:default"
SYSTEM = re.compile(r"@(?:platforms//os|evnet_systems//):(.*)")
RULES = ("evnet_cc_library", "evnet_cc_test", "evnet_cc_binary", "evnet_example", "evnet_uring_test")
COMMAND_LINE = "//examples/command_line:command_line"
HEADER = """# Written by tools/cmake_lists.py from Bazel's BUILD files. Do not edit.
"""


class Refused(Exception):
    """A BUILD file has something that this script does not understand."""


class Target:
    def __init__(self, rule, package, arguments):
        self.rule = rule
        self.package = package
        self.name = arguments["name"]
        self.arguments = arguments

    def label(self):
        return "//%s:%s" % (self.package, self.name)

    def identifier(self):
        return "%s_%s" % (self.package.replace("/", "_"), self.name)

    def paths(self, *attributes):
        return [self.package + "/" + name for attribute in attributes for name in self.arguments.get(attribute, [])]

    def deps(self):
        labels = self.arguments.get("deps", [])
        return own_labels(labels, self.package)

    def is_linux_only(self):
        return "@platforms//os:linux" in self.arguments.get("target_compatible_with", [])


def own_labels(labels, package):
    """Returns the absolute labels without those of libraries that are not evnet's."""
    return [absolute(label, package) for label in labels if not label.startswith(("@", "//third_party/"))]


def absolute(label, package):
    if label.startswith(":"):
        return "//" + package + label
    if ":" not in label:
        return label + ":" + label.split("/")[-1]
    return label


class Select(list):
    """The value of a select(): an empty list, because no list of files may depend on one outside select_srcs."""

    def __init__(self, _):
        super().__init__()

    def __radd__(self, other):
        return other


class Tree:
    """The targets of the packages that were read."""

    def __init__(self):
        self.targets = {}
        self.packages = set()

    def read(self, package):
        if package in self.packages:
            return
        self.packages.add(package)

        def record(rule):
            def call(**arguments):
                target = Target(rule, package, arguments)
                self.targets[target.label()] = target

            return call

        def ignore(*_, **__):
            return []

        environment = {name: ignore for name in ("alias", "config_setting", "exports_files", "filegroup", "genquery",
                                                 "genrule", "glob", "package",
                                                 "package_group", "test_suite")}
        environment["select"] = Select

        def load(file, *names, **renamed):
            for name, original in list(zip(names, names)) + list(renamed.items()):
                if original in RULES:
                    environment[name] = record(original)
                elif original == "LINUX_ONLY":
                    environment[name] = ["@platforms//os:linux"]
                elif original.isupper():
                    environment[name] = []
                else:
                    environment[name] = ignore

        environment["load"] = load
        path = os.path.join(ROOT, package, "BUILD.bazel")
        with open(path, encoding="utf-8") as file:
            try:
                exec(compile(file.read(), path, "exec"), environment)  # pylint: disable=exec-used
            except NameError as error:
                raise Refused("%s: %s: make it known to tools/cmake_lists.py" % (path, error))

    def find(self, label):
        self.read(label[2:].split(":")[0])
        if label not in self.targets:
            raise Refused("there is no target %s" % label)
        return self.targets[label]

    def closure(self, labels):
        """Returns the targets of labels and of all their deps, users first."""
        found, done = [], set()

        def visit(label):
            if label in done:
                return
            done.add(label)
            target = self.find(label)
            for dep in target.deps():
                visit(dep)
            found.append(target)

        for label in labels:
            visit(label)
        return found[::-1]


def all_packages(directory):
    return sorted(os.path.relpath(path, ROOT) for path, _, names in os.walk(os.path.join(ROOT, directory))
                  if "BUILD.bazel" in names and "consumer" not in path)


def c_flags():
    """Returns the flags of bazel/defs.bzl for C."""
    environment = {"load": lambda *_: None, "select": Select}
    with open(os.path.join(ROOT, "bazel/defs.bzl"), encoding="utf-8") as file:
        exec(file.read(), environment)  # pylint: disable=exec-used
    return environment["C_COPTS"]


def chosen(target, conditions):
    """Returns the sources that a configuration selects: those of the first of its conditions that has any."""
    choices = target.arguments.get("select_srcs", {})
    for condition in conditions:
        if condition in choices:
            return [target.package + "/" + name for name in choices[condition]]
    return []


def public_headers(tree, evnet):
    """Returns the headers of the libraries that //evnet depends on, and those that they include."""
    pending = evnet.paths("hdrs")
    for dep in evnet.deps():
        pending += tree.find(dep).paths("hdrs")
    found = set()
    while pending:
        path = pending.pop()
        if path in found:
            continue
        found.add(path)
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            for name in re.findall(r'^#include "(.*)"', file.read(), re.M):
                pending.append(os.path.normpath(os.path.join(os.path.dirname(path), name)))
    return sorted(found)


def find_examples(tree, provided):
    """Returns the targets of each program examples/NAME that needs no library of others.

    The libraries whose labels are in `provided` are left out.
    """
    for package in all_packages("examples"):
        tree.read(package)
    examples = {}
    for target in list(tree.targets.values()):
        if target.package != "examples/" + target.name:
            continue
        if target.rule == "evnet_example":
            target.arguments["srcs"] = [target.name + ".c"]
            examples[target.name] = [target]
        elif target.rule == "evnet_cc_binary":
            parts = [target] + [part for part in tree.closure(target.deps()) if part.label() not in provided]
            labels = [label for part in parts for label in part.arguments.get("deps", [])]
            if not any(label.startswith("@") for label in labels):
                examples[target.name] = parts
    return examples


def cmake_list(name, values):
    return "set(%s%s)\n" % (name, "".join("\n  " + value for value in values))


def sources(tree):
    """Returns the text of sources.cmake, and all files of the library."""
    evnet = tree.find("//evnet:evnet")
    library = tree.closure(["//evnet:evnet"])
    common = sorted(path for target in library for path in target.paths("srcs") if path.endswith(".c"))
    conditions = {condition for target in library for condition in target.arguments.get("select_srcs", {})}
    systems = {"linux": [DEFAULT], "linux_uring": ["//:io_uring", DEFAULT]}
    for condition in sorted(conditions):
        system = SYSTEM.fullmatch(condition)
        if system and system[1] != "linux":
            systems[system[1]] = [condition, DEFAULT]
        elif system:
            systems["linux"].insert(0, condition)
            systems["linux_uring"].insert(1, condition)
    text = HEADER + "\n# The flags of bazel/defs.bzl. -std is CMake's business.\n"
    text += cmake_list("EVNET_C_FLAGS", [flag for flag in c_flags() if not flag.startswith("-std=")])
    text += "\n# The headers that are installed.\n"
    text += cmake_list("EVNET_HEADERS", public_headers(tree, evnet))
    text += "\n# The sources of all systems, and those of one system or configuration.\n"
    text += cmake_list("EVNET_SOURCES", common)
    for system in sorted(systems):
        paths = sorted(path for target in library for path in chosen(target, systems[system]) if path.endswith(".c"))
        text += cmake_list("EVNET_SOURCES_" + system, paths)
    examples = find_examples(tree, {target.label() for target in library} | {COMMAND_LINE})
    text += "\n# The programs of examples/ that need no other libraries, and their sources without examples/command_line.\n"
    text += cmake_list("EVNET_EXAMPLES", sorted(examples))
    for name, parts in sorted(examples.items()):
        paths = sorted(path for part in parts for path in part.paths("srcs") if path.endswith(".c"))
        text += cmake_list("EVNET_EXAMPLE_" + name, paths)
        if any(part.arguments.get("select_srcs") for part in parts):
            for system in sorted(systems):
                paths = sorted(path for part in parts for path in chosen(part, systems[system]) if path.endswith(".c"))
                text += cmake_list("EVNET_EXAMPLE_%s_%s" % (name, system), paths)
    files = {path for target in library for path in target.paths("srcs", "hdrs")}
    for target in library:
        for names in target.arguments.get("select_srcs", {}).values():
            files.update(target.package + "/" + name for name in names)
        for labels in target.arguments.get("select_deps", {}).values():
            for other in tree.closure(own_labels(labels, target.package)):
                files.update(other.paths("srcs", "hdrs"))
    return text, files


def tests(tree):
    """Returns the text of tests.cmake."""
    for package in all_packages("net"):
        tree.read(package)
    library = {target.label() for target in tree.closure(["//evnet:evnet"])}
    binaries, again, libraries = [], [], {}
    for target in sorted(tree.targets.values(), key=Target.label):
        if not target.package.startswith("net/"):
            continue
        if target.rule == "evnet_uring_test":
            again.append(target)
        elif target.rule == "evnet_cc_test" and "data" not in target.arguments:
            binaries.append(target)
    texts = []

    def describe(function, target, deps):
        lines = [function + "(", "  " + target.identifier()]

        def add(keyword, values):
            if values:
                lines.append("  " + keyword)
                lines.extend("    " + value for value in values)

        if target.is_linux_only():
            lines.append("  LINUX_ONLY")
        if target.arguments.get("alwayslink"):
            lines.append("  ALWAYS_LINK")
        add("SOURCES", sorted(path for path in target.paths("srcs") if path.endswith((".c", ".cc"))))
        add("LINK_OPTIONS", [option for option in target.arguments.get("linkopts", []) if option != "-pthread"])
        add("DEFINES", target.arguments.get("defines", []))
        add("ENVIRONMENT", ["%s=%s" % pair for pair in sorted(target.arguments.get("env", {}).items())])
        add("DEPS", deps)
        texts.append("\n".join(lines) + ")\n")

    def own_deps(target):
        deps = []
        for dep in target.deps():
            other = tree.find(dep)
            if dep not in library and "kqueue" not in dep:
                libraries[dep] = other
                deps.append(other.identifier())
        return deps

    for target in binaries:
        describe("evnet_test", target, own_deps(target))
    done = set()
    while set(libraries) - done:
        for label in sorted(set(libraries) - done):
            done.add(label)
            describe("evnet_test_library", libraries[label], own_deps(libraries[label]))
    for target in again:
        test = tree.find(absolute(":" + target.arguments["test"].lstrip(":"), target.package))
        if test in binaries:
            texts.append("evnet_test_again(\n  %s\n  %s\n  EVNET_TEST_BACKEND=io_uring)\n" %
                         (target.identifier(), test.identifier()))
    return HEADER + "\n" + "\n".join(texts)


def main():
    check = sys.argv[1:2] == ["--check"]
    if len(sys.argv) > (3 if check else 1):
        sys.exit(__doc__)
    errors = []
    try:
        tree = Tree()
        text, files = sources(tree)
        written = {"cmake/sources.cmake": text, "cmake/tests.cmake": tests(tree)}
    except Refused as error:
        sys.exit("cmake_lists.py: %s" % error)
    for path, text in written.items():
        full = os.path.join(ROOT, path)
        if check:
            with open(full, encoding="utf-8") as file:
                if file.read() != text:
                    errors.append("%s differs from the BUILD files: run tools/cmake_lists.py" % path)
        else:
            with open(full, "w", encoding="utf-8") as file:
                file.write(text)
    if len(sys.argv) == 3:
        with open(sys.argv[2], encoding="utf-8") as file:
            labels = {line.strip().lstrip("/").replace(":", "/") for line in file
                      if re.match(r"//(net|evnet)\b.*\.[ch]$", line)}
        for path in sorted(labels - files):
            errors.append("%s: Bazel builds it, and tools/cmake_lists.py does not find it" % path)
        for path in sorted(files - labels):
            errors.append("%s: tools/cmake_lists.py finds it, and Bazel does not build it" % path)
    for error in errors:
        print(error)
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
