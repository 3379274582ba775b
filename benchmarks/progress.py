"""Shows the progress of a long run on stderr: the amount done, the rate, and the time left.

On a terminal, one line is updated in place. Otherwise a line is written every minute, so a shorter run
writes nothing. net/base/testing/progress.h does the same for C++ programs.
"""

import sys
import time

ELSEWHERE_SECONDS = 60


def duration(seconds):
    """Formats a duration in its two largest units: 1 h 5 min, 3 min 20 s, 7 s."""
    whole = int(seconds + 0.5)
    if whole < 60:
        return "%d s" % whole
    if whole < 3600:
        return "%d min %d s" % divmod(whole, 60)
    return "%d h %d min" % divmod(whole // 60, 60)


def text(name, unit, done, total, seconds):
    """Returns the text of the line. `seconds` is the time since the start; done <= total."""
    line = "%s: %d of %d %s (%.0f %%)" % (name, done, total, unit, 100 * done / total)
    if done == 0 or seconds <= 0:
        return line
    rate = done / seconds
    if rate >= 10:
        line += ", %.0f/s" % rate
    elif rate >= 1:
        line += ", %.1f/s" % rate
    else:
        line += ", %.1f/min" % (rate * 60)
    return line + ", %s left" % duration((total - done) / rate)


class Progress:
    """Counts and shows the progress; a context manager that clears the line of a terminal."""

    def __init__(self, total, unit, out=None, clock=time.monotonic):
        self.total = total
        self.unit = unit
        self.done = 0
        self.out = out or sys.stderr
        self.clock = clock
        self.is_terminal = self.out.isatty()
        self.began = clock()
        self.written = self.began

    def add(self, name, count=1):
        """Adds to the amount that `name` has done."""
        self.done += count
        self.show(name)

    def show(self, name):
        now = self.clock()
        line = text(name, self.unit, self.done, self.total, now - self.began)
        if self.is_terminal:
            print("\r\x1b[K" + line, end="", file=self.out, flush=True)
        elif now - self.written >= ELSEWHERE_SECONDS:
            self.written = now
            print(line, file=self.out, flush=True)

    def clear(self):
        """Clears the line, so that other lines can be printed."""
        if self.is_terminal:
            print("\r\x1b[K", end="", file=self.out, flush=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.clear()
