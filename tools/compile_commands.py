#!/usr/bin/env python3
"""Writes compile_commands.json, for clangd and clang-tidy, from the commands that Bazel would run."""

import json
import os
import subprocess


def bazel(*args):
    return subprocess.run(
        ["bazel", *args], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ).stdout


def main():
    # The flags for clang, because clangd and clang-tidy are based on clang.
    config = ["--config=clang"]
    root = bazel("info", *config, "workspace").strip()
    # Every path in a command is relative to this directory, which links to the sources.
    directory = bazel("info", *config, "execution_root").strip()
    query = "mnemonic('CppCompile', kind('cc_.* rule', //...))"
    actions = json.loads(
        bazel("aquery", *config, "--output=jsonproto", "--include_artifacts=false", query)
    ).get("actions", [])

    entries = {}
    for action in actions:
        arguments = action["arguments"]
        source = arguments[arguments.index("-c") + 1]
        if source.startswith(("external/", "bazel-out/")):
            continue
        # Module maps exist only after a build, and are needed for the layering check only.
        arguments = [
            a
            for a in arguments
            if not a.startswith(("-fmodule", "-fno-canonical", "-Xclang-module")) and a != "-Xclang"
        ]
        # If a source is compiled twice, with and without -fPIC, one command is enough.
        entries[source] = {
            "directory": directory,
            "file": os.path.join(root, source),
            "arguments": arguments,
        }
    with open(os.path.join(root, "compile_commands.json"), "w", encoding="utf-8") as out:
        json.dump(list(entries.values()), out, indent=1)
    print("%d commands" % len(entries))


main()
