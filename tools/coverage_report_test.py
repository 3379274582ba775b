#!/usr/bin/env python3
"""Checks the output of coverage_report.py for a small report, and its exit code."""

import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))

SOURCE = """int f(int a, int b) {
  EVNET_ASSERT(a > 0 &&
               b > 0);
  if (a > b) return 1;
  return 0;
}
"""


def record(path, lines, branches):
    rows = ["SF:" + path]
    rows += ["BRDA:%d,0,%d,%s" % branch for branch in branches]
    rows += ["DA:%d,%d" % line for line in lines]
    return "\n".join(rows + ["end_of_record", ""])


ALL_LINES = [(1, 5), (2, 5), (4, 5), (5, 2)]
ASSERTED = [(2, 0, 5), (2, 1, 0), (3, 0, 5), (3, 1, "-")]
BOTH_BRANCHES = [(4, 0, 3), (4, 1, 2)]


class Report(unittest.TestCase):
    def run_report(self, records, built=("net/a/x.c",), arguments=()):
        with tempfile.TemporaryDirectory() as root:
            for path in ("net/a/x.c", "net/a/other_bsd.c", "net/a/testing/x.c", "net/reactor/wheel.c"):
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(SOURCE)
            for name, text in (("report", "".join(records)), ("built", "\n".join(built))):
                with open(os.path.join(root, name), "w", encoding="utf-8") as file:
                    file.write(text)
            run = subprocess.run(
                [sys.executable, os.path.join(HERE, "coverage_report.py"), "--root=" + root,
                 "--built=" + os.path.join(root, "built"), *arguments, os.path.join(root, "report")],
                stdout=subprocess.PIPE, text=True, check=False)
            return run.returncode, [" ".join(line.split()) for line in run.stdout.splitlines()]

    def test_whole_coverage_passes_and_assertions_have_no_branches(self):
        code, lines = self.run_report([record("net/a/x.c", ALL_LINES, ASSERTED + BOTH_BRANCHES)])
        self.assertEqual(lines, ["directory lines % branches %", "net/a 4 100.00 2 100.00"])
        self.assertEqual(code, 0)

    def test_a_line_that_is_not_run_fails(self):
        code, lines = self.run_report([record("net/a/x.c", ALL_LINES[:3] + [(5, 0)], BOTH_BRANCHES)],
                                      arguments=["--uncovered"])
        self.assertEqual(lines, ["net/a/x.c:5: no test runs the line", "directory lines % branches %",
                                 "net/a 4 75.00 2 100.00", "net/a: 75.00 % of lines, 96 are required"])
        self.assertEqual(code, 1)

    def test_a_branch_that_is_not_taken_fails(self):
        code, lines = self.run_report([record("net/a/x.c", ALL_LINES, [(4, 0, 3), (4, 1, 0)])], arguments=["--uncovered"])
        self.assertEqual(lines, ["net/a/x.c:4: of 2 branches no test takes: 1", "directory lines % branches %",
                                 "net/a 4 100.00 2 50.00", "net/a: 50.00 % of branches, 90 are required"])
        self.assertEqual(code, 1)

    def test_counts_of_two_records_add_up(self):
        code, lines = self.run_report([record("net/a/x.c", ALL_LINES, [(4, 0, 3), (4, 1, 0)]),
                                       record("net/a/x.c", ALL_LINES, [(4, 0, 0), (4, 1, 1)])])
        self.assertEqual(lines[1:], ["net/a 4 100.00 2 100.00"])
        self.assertEqual(code, 0)

    def test_other_systems_and_tests_do_not_count(self):
        code, lines = self.run_report([record("net/a/x.c", ALL_LINES, []), record("net/a/other_bsd.c", [(1, 0)], []),
                                       record("net/a/testing/x.c", [(1, 0)], [])],
                                      built=("net/a/x.c", "net/a/testing/x.c"))
        self.assertEqual(lines[1:], ["net/a 4 100.00 0 100.00"])
        self.assertEqual(code, 0)

    def test_some_files_must_be_run_whole(self):
        many = [(line, 1) for line in range(1, 100)]
        code, lines = self.run_report([record("net/reactor/wheel.c", many + [(100, 0)], [])], built=("net/reactor/wheel.c",))
        self.assertEqual(lines[1:], ["net/reactor 100 99.00 0 100.00",
                                     "net/reactor/wheel.c: 99.00 % of lines, all are required"])
        self.assertEqual(code, 1)

    def test_a_report_without_sources_fails(self):
        code, lines = self.run_report([])
        self.assertEqual((code, lines), (1, ["the report has no file of net/"]))


if __name__ == "__main__":
    unittest.main()
