#!/usr/bin/env python3
"""Writes the seeds of the fuzz target dial, and its dictionary.

    fuzz/dial_seeds.py

A seed has the fields of the header that differ from HEADER, and steps in the order in which they are taken. The world
takes them, and each callback in a TURN takes one. The numbers of the steps are read from dial.h.
"""

import seeds

HEADER = {"seed": 1, "faults": 0, "most": 0}
REAL = {"seed": 0}
REFUSED, LOST, FAILURE, RESET, DELAYS = 8, 16, 32, 64, 128

SEEDS = {
    "opens": ({}, "DIAL 0, TURN 2, NOTHING, TURN, PEER_READS, PEER_WRITES 64, TURN, ECHO, TURN, PEER_READS, PEER_ENDS, TURN 3"),
    "nobody": ({}, "DIAL 1, TURN 3, NOTHING, DIAL 401, TURN 3"),
    "no_address": ({}, "DIAL 2, DIAL 3, DIAL 402, TURN"),
    "redial_when_it_closes": ({}, "DIAL 1, TURN 3, DIAL_MORE 0, TURN 3, NOTHING, PEER_CLOSES, TURN 2"),
    "redial_from_on_open": ({}, "DIAL 0, TURN 3, DIAL_MORE 1, TURN 3"),
    "cancelled": ({"faults": LOST}, "DIAL 0, DIAL 0, DIAL 0, TURN, CANCEL 0, CANCEL 1, CANCEL 2, CANCEL 0, TURN 2"),
    "times_out": ({"faults": LOST}, "DIAL 40, DIAL 80, TURN, ADVANCE 1000, TURN, ADVANCE 9000, TURN 2"),
    "refused_and_failing": ({"faults": REFUSED + FAILURE + DELAYS, "seed": 5}, ", ".join(["DIAL 400"] * 9) + ", TURN 7, ADVANCE 500, TURN 7"),
    "reset": ({"faults": RESET}, "DIAL 0, TURN 3, WRITE 900, TURN, PEER_WRITES 512, TURN 2, NOTHING, PEER_RESETS, TURN 2"),
    "at_the_bound": ({"most": 2}, "DIAL 0, DIAL 0, DIAL 0, TURN 3, NOTHING, NOTHING, CANCEL 0, TURN 2, NOTHING, DIAL 0, TURN 3"),
    "without_memory": ({}, "FAIL 0, DIAL 0, FAIL 1, DIAL 0, DIAL 0, FAIL 0, TURN 3, NOTHING, PEER_WRITES 3000, TURN"),
    "stopped_while_it_dials": ({"faults": LOST + DELAYS}, "DIAL 0, DIAL 0, TURN, STOP 10, DIAL 0, TURN 3, ADVANCE 900, TURN 3"),
    "options": ({}, "DIAL_OPTIONS 7, DIAL 0, TURN 3, WRITE 4000, WRITE 4000, TURN 2, PEER_READS"),
    "closes_in_on_open": ({}, "DIAL 0, TURN 3, LEAVE, DIAL 0, TURN 3, CLOSE, DIAL 0, TURN 3, ABORT, TURN 3"),
    "adopted": (REAL, "ADOPT 0, ADOPT 1, TURN, NOTHING, NOTHING, PEER_WRITES 320, TURN, ECHO, TURN, PEER_READS, PEER_ENDS, TURN 2"),
    "adopted_what_cannot_be": (REAL, "ADOPT 2, ADOPT 3, ADOPT 4, TURN"),
    "adopted_by_id": (REAL, "ADOPT 0, CANCEL 0, TURN 2, ADOPT 0, TURN, NOTHING, CANCEL 1, TURN 3"),
    "adopted_without_memory": (REAL, "FAIL 0, ADOPT 0, FAIL 0, ADOPT 0, TURN 2, FAIL 0, PEER_WRITES 4096, TURN"),
    "adopted_at_the_bound": ({"seed": 0, "most": 1}, "ADOPT 0, ADOPT 0, DIAL 0, TURN, NOTHING, PEER_CLOSES 0, TURN 2, NOTHING, ADOPT 0, TURN"),
    "adopted_and_stopped": (REAL, "ADOPT 0, STOP 20, ADOPT 0, TURN 3"),
    "adopted_peer_gone": (REAL, "ADOPT 0, PEER_CLOSES 0, TURN 3"),
    "unix": (REAL, "DIAL 0, DIAL 1, TURN 3, NOTHING, NOTHING, PEER_WRITES 160, TURN, ECHO, TURN, PEER_READS 0, PEER_CLOSES 0, TURN 2"),
}

if __name__ == "__main__":
    seeds.write("dial", HEADER, SEEDS)
