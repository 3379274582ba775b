#!/usr/bin/env python3
"""Tests of progress.py: the text of its line, and when it is written."""

import io
import unittest

import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    now = 0

    def __call__(self):
        return self.now


class ProgressTest(unittest.TestCase):
    def test_the_text_says_how_much_how_fast_and_how_long(self):
        text = progress.text
        self.assertEqual(text("a", "b", 0, 10, 5), "a: 0 of 10 b (0 %)")
        self.assertEqual(text("a", "b", 40, 100, 2), "a: 40 of 100 b (40 %), 20/s, 3 s left")
        self.assertEqual(text("a", "b", 5, 1000, 2), "a: 5 of 1000 b (0 %), 2.5/s, 6 min 38 s left")
        self.assertEqual(text("a", "b", 1, 10, 600), "a: 1 of 10 b (10 %), 0.1/min, 1 h 30 min left")

    def test_elsewhere_than_on_a_terminal_it_writes_a_line_a_minute(self):
        out, clock = io.StringIO(), Clock()
        with progress.Progress(1000, "rounds", out, clock) as shown:
            for clock.now in range(1, 180):
                shown.add("x")
        lines = out.getvalue().splitlines()
        begins = [line.split(" (")[0] for line in lines]
        self.assertEqual(begins, ["x: 60 of 1000 rounds", "x: 120 of 1000 rounds"])

    def test_a_terminal_has_one_line_that_is_cleared_at_the_end(self):
        out = Terminal()
        with progress.Progress(2, "rounds", out, Clock()) as shown:
            shown.show("x")
            shown.add("x")
        start = "\r\x1b[K"
        self.assertEqual(
            out.getvalue(),
            start + "x: 0 of 2 rounds (0 %)" + start + "x: 1 of 2 rounds (50 %)" + start,
        )


if __name__ == "__main__":
    unittest.main()
