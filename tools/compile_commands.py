#!/usr/bin/env python3
"""Writes compile_commands.json, for clangd and clang-tidy, from what Bazel would run."""

import json
import os
import subprocess


def bazel(*args):
    return subprocess.run(
        ["bazel", *args], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ).stdout


def main():
    # Clang's own flags: both readers of the file are clang.
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
        # Module maps exist only once Bazel has built; the readers need no layering check.
        arguments = [
            a
            for a in arguments
            if not a.startswith(("-fmodule", "-fno-canonical", "-Xclang-module")) and a != "-Xclang"
        ]
        # A source may be compiled twice, with and without -fPIC: one is enough.
        entries[source] = {
            "directory": directory,
            "file": os.path.join(root, source),
            "arguments": arguments,
        }
    with open(os.path.join(root, "compile_commands.json"), "w", encoding="utf-8") as out:
        json.dump(list(entries.values()), out, indent=1)
    print("%d commands" % len(entries))


main()
