#!/usr/bin/env python3
"""Writes the seeds of the fuzz target udp_input, and its dictionary (seeds.py).

    fuzz/udp_input_seeds.py

The world takes the steps. If a TURN leads to a callback, the handler takes them until EXIT. A datagram with an even n is
for the first socket, one with an odd n for the second.
fuzz/corpus/udp_input also has other files: inputs that once failed.
"""

import seeds

# Socket buffers of 64 KiB, a queue of 6 KiB, datagrams of any size.
HEADER = {"seed": 1, "faults": 0, "buffers": 255, "flags": 0, "queue": 100, "datagram": 255}
DELAYS, PREWRITE, ALL_HOSTS, DESTROY, OVERTAKE, DOUBLE = 1, 2, 4, 8, 16, 32
SHORT_BATCHES, PARTS_SENT, FULL, DEFERRED, ONE_SHOT, LATE, REFUSED, ICMP = 1, 2, 4, 8, 16, 32, 64, 128

SEEDS = {
    "reply": ({}, "SEND 100, TURN, PEEK, REPLY 60, EXIT, RECEIVE"),
    "echo": ({}, "SEND 100, !SEND 31, TURN, ECHO, EXIT, ECHO, EXIT, RECEIVE, !RECEIVE"),
    "empty": ({}, "SEND 0, TURN, TAKE 1, REPLY 0, REPLY_PIECES 0, EXIT, RECEIVE"),
    "nothing_is_kept": ({}, "SEND 500, TURN, TAKE 10, EXIT, SEND 30, TURN, TAKE 5, DISCARD 9, EXIT, POST, TURN, TAKE 1"),
    "a_burst": ({}, "BURST 98, TURN 1" + ", REPLY 8, EXIT" * 98 + ", RECEIVE"),
    "batches_in_parts": ({"faults": SHORT_BATCHES + PARTS_SENT}, "BURST 40, TURN 7" + ", REPLY 40, EXIT" * 40 + ", TURN 7"),
    "two_sockets_in_turn": ({}, "BURST 4, BURST 5, TURN 3" + ", REPLY 8, !SEND_TO 20, EXIT" * 9),
    "the_largest": ({}, "SEND 65507, TURN, REPLY_LARGE 65507, REPLY_LARGE 65508, EXIT, RECEIVE"),
    "cut": ({"datagram": 4}, "SEND 30, SEND 16, TURN, PEEK, ECHO, EXIT, TAKE 99, EXIT"),
    "full": (
        {"buffers": 9},
        "SEND 40, TURN" + ", REPLY 50" * 8 + ", EXIT, SEND 2, TURN, REPLY 60, EXIT, ADVANCE 10, TURN 3, RECEIVE, TURN 7",
    ),
    "full_and_its_queue_too": ({"buffers": 9, "queue": 12}, "SEND 40, TURN, FLUSH" + ", REPLY 400" * 9 + ", EXIT, TURN 7"),
    "full_without_being_it": ({"faults": FULL}, "SEND 40, TURN, REPLY 50, FLUSH, REPLY 51, REPLY 52, EXIT, TURN 7"),
    "above_the_queues_bound": ({"faults": FULL, "queue": 0}, "SEND 40, TURN, REPLY 50, REPLY 7, EXIT, TURN 7"),
    "large_behind_small": ({}, "SEND 40, TURN, REPLY 50, REPLY_LARGE 9000, REPLY 51, REPLY_PIECES 5000, EXIT, RECEIVE"),
    "refused_by_the_kernel": ({"faults": REFUSED + PARTS_SENT}, "BURST 20, TURN 3" + ", REPLY 50, REPLY 20, EXIT" * 20),
    "nobody_is_there": (
        {"faults": ICMP},
        "SEND 40, VANISH, TURN, REPLY 50, EXIT, TURN 2, SEND 20, TURN, REPLY 9, SEND_NOWHERE 8, EXIT, TURN 4",
    ),
    "where_none_can_be": ({}, "SEND 2, TURN, SEND_NOWHERE 1, SEND_NOWHERE 3, SEND_NOWHERE 2, SEND_NOWHERE 4, EXIT"),
    "without_a_datagram": ({}, "POST, TURN, SEND_TO 100, !SEND_TO 101, REPLY 3, REPLY_PIECES 30, ECHO, EXIT, TURN, RECEIVE"),
    "paused": (
        {},
        "BURST 10, TURN, PAUSE, EXIT" + ", REPLY 5, EXIT" * 9 + ", SEND 40, TURN 3, POST, TURN, RESUME, EXIT, EXIT",
    ),
    "paused_and_resumed_inside": ({}, "SEND 20, TURN, PAUSE, RESUME, REPLY 5, EXIT, SEND 30, TURN, REPLY 6, EXIT"),
    "one_shot": ({"faults": ONE_SHOT}, "SEND 20, TURN, EXIT, SEND 30, TURN, PAUSE, EXIT, TURN, POST, TURN, RESUME, EXIT"),
    "all_hosts": ({"flags": ALL_HOSTS}, "SEND 21, SEND 23, SEND 25, TURN 2" + ", REPLY 5, REPLY_LARGE 5000, EXIT" * 3 + ", RECEIVE"),
    "groups": (
        {"flags": ALL_HOSTS},
        "POST, TURN, JOIN, JOIN, !JOIN, JOIN 1, JOIN 2, JOIN 3, LOOP, LOOP 300, LOOP 70, EXIT, TO_GROUP 100, TO_GROUP 101,"
        " TURN, ECHO, EXIT, REPLY 3, SEND_NOWHERE 2, EXIT, TURN, LEAVE, LEAVE, EXIT, TO_GROUP 100, TURN",
    ),
    "prewrite": (
        {"flags": PREWRITE},
        "SEND 20, TURN, REPLY 5, REPLY_LARGE 6000, REPLY 7, EXIT, SEND_TO 30, !SEND_TO 31, EXIT, REPLY 3, EXIT, TURN, EXIT",
    ),
    "prewrite_when_full": (
        {"flags": PREWRITE, "buffers": 9},
        "SEND 20, TURN, REPLY 90, REPLY 91, EXIT, SEND_TO 30, EXIT, TURN 7, SEND_TO 9, EXIT, !SEND_TO 8, EXIT, TURN 7",
    ),
    "no_connection": ({}, "SEND 20, TURN, WITHOUT, REPLY 5, EXIT 1, SEND 30, TURN, EXIT"),
    "without_memory": ({"buffers": 9}, "SEND 40, TURN" + ", REPLY 50" * 8 + ", EXIT, FAIL, SEND 2, TURN, REPLY 60, EXIT"),
    "reordered_and_doubled": (
        {"flags": DELAYS + OVERTAKE + DOUBLE, "faults": DEFERRED},
        "BURST 30, !BURST 31, TURN 7" + ", REPLY 9, EXIT" * 60 + ", TURN 7, TURN 7",
    ),
    "destroyed": ({"flags": DESTROY, "buffers": 9}, "BURST 20, TURN, REPLY 100, REPLY 100, REPLY 100, EXIT, POST"),
    "stopped_with_a_queue": ({"buffers": 9, "faults": LATE}, "BURST 9, SEND 40, TURN" + ", REPLY 50, REPLY 51, EXIT" * 10),
}

if __name__ == "__main__":
    seeds.write("udp_input", HEADER, SEEDS)
