#!/usr/bin/env python3
"""Checks that systems.py says no more than what ran, and that README's table is that of docs/systems.tsv."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import systems  # noqa: E402


def row(results, name):
    return next(line for line in systems.table(results).splitlines() if line.startswith("| %s |" % name))


class Table(unittest.TestCase):
    def test_a_system_without_results_was_not_built(self):
        self.assertIn("| not run | not run | not run |", row({}, "macOS 13, arm64"))

    def test_linking_is_no_test(self):
        self.assertIn("| yes | yes | no |", row({("macos-aarch64", "compile and link"): "passed"}, "macOS 13, arm64"))

    def test_a_failed_check_is_named_and_a_skipped_one_is_not(self):
        results = {
            ("debian-arm64", "compile and link"): "passed",
            ("debian-arm64", "echo"): "failed",
            ("debian-arm64", "unit tests"): "skipped",
        }
        self.assertIn("| echo example fail |", row(results, "Debian 12, arm64"))

    def test_a_failed_build_is_no_build(self):
        self.assertIn("| fails | fails | no |", row({("debian-12", "release build"): "failed"}, "Debian 12, x86-64"))

    def test_later_results_replace_earlier_ones(self):
        results = {("debian-arm64", "echo"): "failed"}
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "results")
            systems.write_results(path, {("debian-arm64", "echo"): "passed"})
            systems.read_results(path, results)
        self.assertEqual(results, {("debian-arm64", "echo"): "passed"})

    def test_a_malformed_row_is_refused(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "results")
            with open(path, "w", encoding="utf-8") as file:
                file.write("debian-arm64\techo\tperhaps\n")
            with self.assertRaises(systems.Malformed):
                systems.read_results(path, {})

    def test_readme_has_the_table_of_the_recorded_results(self):
        results = {}
        systems.read_results(systems.RESULTS, results)
        with open("README.md", encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(systems.replace_table(text, systems.table(results)), text)


if __name__ == "__main__":
    unittest.main()
