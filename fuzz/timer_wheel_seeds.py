#!/usr/bin/env python3
"""Writes the seeds of the fuzz target timer_wheel, and its dictionary.

    fuzz/timer_wheel_seeds.py

A seed has the fields of the header that differ from HEADER, and steps in order. span() of timer_wheel.c converts n to a
time. The numbers of the steps are read from timer_wheel.c.
"""

import seeds

# The start time is (1 << 20) - 3.
HEADER = {"bit": 20, "time": 1, "less": 3}


def span(bits, factor=1):
    """Returns the n for factor << bits; bits must be even."""
    return bits // 2 << 12 | factor


SEEDS = {
    "each_level": (
        {},
        "SCHEDULE 1, SCHEDULE 63, SCHEDULE 64, SCHEDULE 65, SCHEDULE %d, SCHEDULE %d, SCHEDULE %d"
        % (span(12), span(18), span(24)) + ", WAKE, POP 9" * 7,
    ),
    "edge_of_a_turn": ({"less": 1}, "SCHEDULE 0, SCHEDULE 1, SCHEDULE 2, ADVANCE 1, POP 0, ADVANCE 1, POP 9"),
    "wrap_of_32_bits": (
        {"bit": 32, "less": 70},
        "SCHEDULE 69, SCHEDULE 70, SCHEDULE 71, SCHEDULE 4000, ADVANCE 70, POP 9, WAKE, POP 9, WAKE, POP 9",
    ),
    "longest": ({}, "SCHEDULE %d, SCHEDULE %d, SCHEDULE 1, ADVANCE %d, POP 9, WAKE, POP 9, WAKE"
                % (span(30), span(18, 4095), span(28, 3))),
    "same_time_in_order": ({}, "SCHEDULE 900, SCHEDULE 900, ADVANCE 800, SCHEDULE 100, SCHEDULE 99, ADVANCE 100, POP 9"),
    "past_and_now": ({}, "PAST 5, NODE 7, SCHEDULE 0, PAST 0, WAKE, ADVANCE 0, POP 0, PAST 9, POP 9, ADVANCE 0, POP 9"),
    "back": ({}, "SCHEDULE 3, PAST 1, BACK 2, POP 0, BACK %d, ADVANCE 3, POP 1" % span(20)),
    "cancelled_while_due": ({}, "SCHEDULE 5, SCHEDULE 5, SCHEDULE 5, ADVANCE 9, NODE 1, CANCEL, CANCEL, POP 9"),
    "moved_while_due": ({}, "SCHEDULE 5, SCHEDULE 5, ADVANCE 9, NODE 0, AGAIN 4, POP 9, WAKE, POP 9"),
    "moved": ({}, "SCHEDULE 5000, NODE 0, AGAIN 3, AGAIN 70, AGAIN 2, WAKE, POP 9"),
    "cancelled": ({}, "SCHEDULE 7, SCHEDULE 70, SCHEDULE 7000, NODE 1, CANCEL, NODE 0, CANCEL, NODE 2, CANCEL, WAKE"),
    "skipped_far": ({}, "SCHEDULE 9, SCHEDULE %d, SCHEDULE %d, ADVANCE %d, POP 9" % (span(10, 9), span(22, 9), span(30, 2))),
    "whole_turn_of_the_top": ({"bit": 24, "less": 1}, "SCHEDULE %d, ADVANCE 1, SCHEDULE %d, ADVANCE %d, POP 9, WAKE, POP 9"
                              % (span(18, 4095), span(18, 4095), span(24, 63))),
    "rearmed_in_turn": ({}, "PAST 0" + ", ADVANCE 0, AGAIN 0, POP 0" * 5),
}

if __name__ == "__main__":
    seeds.write("timer_wheel", HEADER, SEEDS)
