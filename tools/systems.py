#!/usr/bin/env python3
"""Writes README's table of tested systems: tools/systems.py [RESULTS...], or tools/systems.py --check

RESULTS are files to which .ci/run, .ci/modern and .ci/cross add their results, if EVNET_RESULTS names them. Their rows
replace those of docs/systems.tsv with the same system and check. The table is made of docs/systems.tsv. With --check,
nothing is written; a table that differs is an error.
"""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
RESULTS = "docs/systems.tsv"
BEGIN = "<!-- Written by tools/systems.py from docs/systems.tsv. -->\n"
END = "<!-- End of the table. -->\n"

# The systems in the order of the table: key of the results, name, and how it is built and run.
SYSTEMS = (
    ("debian-12", "Debian 12, x86-64", "gcc 12, clang 14, Bazel 4.2.3"),
    ("debian-sid", "Debian sid, x86-64", "gcc 16, clang 21, Bazel 7.7.1"),
    ("debian-arm64", "Debian 12, arm64", "gcc 12; run by qemu-user"),
    ("debian-riscv64", "Debian 12, riscv64", "gcc 12; run by qemu-user"),
    ("debian-s390x", "Debian 12, s390x (big-endian)", "gcc 12; run by qemu-user"),
    ("glibc-aarch64", "Linux with glibc 2.31, arm64", "zig cc"),
    ("glibc-riscv64", "Linux with glibc 2.31, riscv64", "zig cc"),
    ("musl-x86_64", "Linux with musl, x86-64", "zig cc"),
    ("musl-aarch64", "Linux with musl, arm64", "zig cc; run by qemu-user"),
    ("musl-riscv64", "Linux with musl, riscv64", "zig cc; run by qemu-user"),
    ("musl-s390x", "Linux with musl, s390x", "zig cc; run by qemu-user"),
    ("macos-x86_64", "macOS 13, x86-64", "zig cc"),
    ("macos-aarch64", "macOS 13, arm64", "zig cc"),
    ("freebsd-x86_64", "FreeBSD 14, x86-64", "zig cc"),
    ("freebsd-aarch64", "FreeBSD 14, arm64", "zig cc"),
    ("netbsd-x86_64", "NetBSD 10, x86-64", "zig cc"),
    ("netbsd-aarch64", "NetBSD 10, arm64", "zig cc"),
)

# The checks that prove a build, and the names of the others in the column "tested". A build with Bazel also links every program.
BUILDS = {"compile and link", "build", "release build"}
TESTS = {
    "tests": "all tests",
    "tests of base, buffer and server": "tests of net/base, net/buffer and net/server",
    "tests under asan and ubsan": "AddressSanitizer, UBSan",
    "tests under tsan": "ThreadSanitizer",
    "fuzzing, 20 s each": "fuzzing",
    "consumer by bazel_dep": "a consumer by bazel_dep",
    "without Bazel: CMake, pkg-config, Debian, ABI": "CMake, Debian packages",
    "unit tests": "unit tests",
    "fuzz corpora": "fuzz corpora",
    "echo": "echo example",
    "self-check": "self-check",
}


class Malformed(Exception):
    """A file of results, or README.md, is not as this script needs it."""


def read_results(path, results):
    """Adds the rows of a file to results: (system, check) -> result."""
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            fields = line.rstrip("\n").split("\t")
            if len(fields) != 3 or fields[2] not in ("passed", "failed", "skipped"):
                raise Malformed("%s:%d: not SYSTEM, CHECK and RESULT: %r" % (path, number, line))
            results[fields[0], fields[1]] = fields[2]


def write_results(path, results):
    with open(path, "w", encoding="utf-8") as file:
        for (system, check), result in sorted(results.items()):
            file.write("%s\t%s\t%s\n" % (system, check, result))


def table(results):
    """Returns the table, as Markdown."""
    lines = ["| system | by | built | linked | tested |", "| --- | --- | --- | --- | --- |"]
    for key, name, how in SYSTEMS:
        own = {check: result for (system, check), result in results.items() if system == key}
        built = {result for check, result in own.items() if check in BUILDS}
        state = "not run" if not built else "yes" if built == {"passed"} else "fails"
        tested = [text for check, text in TESTS.items() if own.get(check) == "passed"]
        if "all tests" in tested and TESTS["tests of base, buffer and server"] in tested:
            tested.remove(TESTS["tests of base, buffer and server"])
        failed = [text + " fail" for check, text in TESTS.items() if own.get(check) == "failed"]
        lines.append("| %s | %s | %s | %s | %s |" %
                     (name, how, state, state, ", ".join(tested + failed) or ("no" if built else "not run")))
    return "\n".join(lines) + "\n"


def replace_table(text, new):
    """Returns README's text with another table."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise Malformed("README.md has no lines %r and %r" % (BEGIN, END))
    return before + begin + "\n" + new + "\n" + end + after


def main(arguments):
    check = arguments == ["--check"]
    readme, recorded = os.path.join(ROOT, "README.md"), os.path.join(ROOT, RESULTS)
    results = {}
    try:
        if os.path.exists(recorded):
            read_results(recorded, results)
        for path in [] if check else arguments:
            read_results(path, results)
        with open(readme, encoding="utf-8") as file:
            old = file.read()
        new = replace_table(old, table(results))
    except (Malformed, OSError) as error:
        sys.exit("systems.py: %s" % error)
    if check:
        sys.exit(0 if new == old else "README.md differs from %s: run tools/systems.py" % RESULTS)
    write_results(recorded, results)
    with open(readme, "w", encoding="utf-8") as file:
        file.write(new)


if __name__ == "__main__":
    main(sys.argv[1:])
