#!/usr/bin/env python3
"""Checks an lcov report by directory: tools/coverage_report.py [--uncovered] --built=FILE REPORT

    --built      a file with the paths of the sources that this system builds, one for each line; other files do not count
    --uncovered  also prints the lines and the branches that no test reaches

Each directory of net/ must have MINIMUM_LINES and MINIMUM_BRANCHES percent, and each file of WHOLE all its lines.
Test helpers do not count. Branches on lines of an EVNET_ASSERT or EVNET_DCHECK do not count either, because a test that
fails an assertion ends its process and loses its counts. The exit code is 1 below a bar.
"""

import argparse
import collections
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MINIMUM_LINES, MINIMUM_BRANCHES = 96.0, 90.0
WHOLE = [
    "net/base/address.c", "net/base/address_format.c", "net/buffer/ring.c", "net/reactor/mailbox.c", "net/reactor/wheel.c"
]
FOR_TESTS = re.compile(r"/(testing|simulate)/")
ASSERTION = re.compile(r"\bEVNET_(ASSERT|DCHECK)\s*\(")


def read_report(path):
    """Returns {source: ({line: count}, {(line, block, branch): count})}."""
    report = {}
    lines = branches = None
    with open(path, encoding="utf-8", errors="replace") as file:
        for row in file:
            tag, _, rest = row.strip().partition(":")
            if tag == "SF":
                lines, branches = report.setdefault(rest, (collections.Counter(), collections.Counter()))
            elif tag == "DA":
                line, count = rest.split(",")[:2]
                lines[int(line)] += int(count)
            elif tag == "BRDA":
                line, block, branch, count = rest.split(",")
                branches[int(line), int(block), int(branch)] += 0 if count == "-" else int(count)
    return report


def assertion_lines(text):
    """Returns the lines from the name of an assertion to its closing bracket."""
    lines = set()
    for match in ASSERTION.finditer(text):
        depth, end = 1, match.end()
        while depth > 0 and end < len(text):
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        lines.update(range(text.count("\n", 0, match.start()) + 1, text.count("\n", 0, end) + 2))
    return lines


def counted(report, built, root):
    """Returns the report without the lines and branches that do not count."""
    out = {}
    for source, (lines, branches) in report.items():
        if source not in built or not source.startswith("net/") or FOR_TESTS.search(source):
            continue
        with open(os.path.join(root, source), encoding="utf-8") as file:
            asserted = assertion_lines(file.read())
        out[source] = lines, {key: count for key, count in branches.items() if key[0] not in asserted}
    return out


def share(counts):
    return 100.0 * sum(1 for count in counts if count) / len(counts) if counts else 100.0


def uncovered(source, lines, branches):
    for line, count in sorted(lines.items()):
        if not count:
            print("%s:%d: no test runs the line" % (source, line))
    for line in sorted({key[0] for key, count in branches.items() if not count}):
        if lines[line]:
            here = {key: count for key, count in branches.items() if key[0] == line}
            missing = [str(i) for i, key in enumerate(sorted(here)) if not here[key]]
            print("%s:%d: of %d branches no test takes: %s" % (source, line, len(here), ", ".join(missing)))


def judge(report):
    """Prints the table. Returns the directories and files below their bars."""
    failures = []
    directories = collections.defaultdict(lambda: ([], []))
    for source, (lines, branches) in report.items():
        of_lines, of_branches = directories[os.path.dirname(source)]
        of_lines += lines.values()
        of_branches += branches.values()
    print("%-24s %6s %7s %8s %7s" % ("directory", "lines", "%", "branches", "%"))
    for directory, (lines, branches) in sorted(directories.items()):
        print("%-24s %6d %7.2f %8d %7.2f" % (directory, len(lines), share(lines), len(branches), share(branches)))
        if share(lines) < MINIMUM_LINES:
            failures.append("%s: %.2f %% of lines, %.0f are required" % (directory, share(lines), MINIMUM_LINES))
        if share(branches) < MINIMUM_BRANCHES:
            failures.append("%s: %.2f %% of branches, %.0f are required" % (directory, share(branches), MINIMUM_BRANCHES))
    for source in WHOLE:
        if source in report and share(report[source][0].values()) < 100:
            failures.append("%s: %.2f %% of lines, all are required" % (source, share(report[source][0].values())))
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report")
    parser.add_argument("--built", required=True)
    parser.add_argument("--uncovered", action="store_true")
    parser.add_argument("--root", default=ROOT, help="where the sources are")
    options = parser.parse_args()
    with open(options.built, encoding="utf-8") as file:
        built = set(file.read().split())
    report = counted(read_report(options.report), built, options.root)
    if options.uncovered:
        for source, (lines, branches) in sorted(report.items()):
            uncovered(source, lines, branches)
    failures = judge(report) if report else ["the report has no file of net/"]
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
