#!/usr/bin/env python3
"""Writes the seeds of the fuzz target tcp_input, and its dictionary.

    fuzz/tcp_input_seeds.py

A seed has the fields of the header that differ from HEADER, and steps in the order in which they are taken. The world
takes them; if a TURN leads to a callback, the handler takes them until EXIT. They begin after on_open. "!" before a step
sets bit 7. The numbers of the steps are read from tcp_input.h.
fuzz/corpus/tcp_input also has other files: inputs that once failed.
"""

import seeds

# Socket buffers of 1 KiB, no timeouts, a high mark of 1 KiB, at most 2 KiB of unread bytes.
HEADER = {
    "seed": 1,
    "faults": 0,
    "buffers": 31,
    "times": 0,
    "flags": 0,
    "inbound": 127,
    "high": 15,
    "turn": 8,
}
SECOND, PREWRITE, NO_HALF_CLOSE, REFUSE, ABANDON = 32, 16, 8, 4, 64

SEEDS = {
    "echo": ({}, "SEND 100, TURN, ECHO 60, ECHO 40, EXIT, READ 100, FIN, TURN, EXIT 1, TURN 3"),
    "echo_in_flight": (
        {"faults": 128},
        "SEND 500, TURN, ECHO 500, EXIT, SEND 300, TURN, ECHO 100, WRITE 30, EXIT, TURN 2,"
        " READ 900, TURN, FIN, TURN, EXIT, TURN",
    ),
    "frame_in_pieces": (
        {},
        "SEND_FEW 3, TURN, PEEK, EXIT, SEND 200, TURN, NEXT 500, NEXT 203, WRITE 10, EXIT, FIN,"
        " TURN, EXIT 1",
    ),
    "wrapped_ring": (
        {"buffers": 63},
        "SEND 1000, TURN, DISCARD 10, EXIT, SEND 500, TURN, DISCARD 900, EXIT, SEND 700, TURN,"
        " PEEK_PAIR, PEEK, DISCARD 300, NEXT 200, TAKE 9999, EXIT, FIN, TURN, EXIT 1",
    ),
    "wrapped_ring_taken": (
        {"buffers": 63},
        "SEND 1000, TURN, DISCARD 10, EXIT, SEND 500, TURN, DISCARD 900, EXIT, SEND 700, TURN,"
        " TAKE 1200, EXIT, FIN, TURN, EXIT 1",
    ),
    "peek_then_discard": (
        {},
        "SEND 400, TURN, PEEK, DISCARD 100, WRITE 50, DISCARD 200, EXIT, SEND 100, TURN, PEEK,"
        " DISCARD 65535, CLOSE, EXIT, TURN 3",
    ),
    "unread_bound": (
        {"inbound": 10},
        "SEND 150, TURN, EXIT, SEND 60, TURN, EXIT, TURN 4",
    ),
    "paused_at_the_bound": (
        {"inbound": 10},
        "SEND 150, TURN, PAUSE, EXIT, SEND 60, TURN 2, POST, TURN, RESUME, EXIT,"
        " TAKE 65535, EXIT, FIN, TURN, EXIT 1",
    ),
    "pressure_and_drain": (
        {"buffers": 15},
        "SEND 200, TURN, WRITE_LARGE 1400, EXIT, TURN, EXIT, SEND 50, TURN, READ 500, TURN, READ"
        " 500, TURN, READ 900, TURN, EXIT, TURN, TAKE 500, EXIT",
    ),
    "outbound_overflow": (
        {"buffers": 15},
        "SEND 10, TURN, WRITE_LARGE 1500, WRITE_LARGE 2000, WRITE 1, EXIT, TURN 3",
    ),
    "outbound_refused": (
        {"buffers": 15, "flags": REFUSE},
        "SEND 10, TURN, WRITE_LARGE 1500, WRITE_LARGE 2000, WRITE_PIECES 5000, WRITE 1, EXIT, TURN",
    ),
    "half_close_with_output": (
        {"buffers": 15, "flags": NO_HALF_CLOSE},
        "SEND 10, FIN, TURN, WRITE_LARGE 1200, EXIT, TURN 7, READ 2000, TURN 7",
    ),
    "shutdown_write": (
        {},
        "SEND 10, TURN, WRITE 20, SHUTDOWN_WRITE, WRITE 1, EXIT, READ 50, TURN, READ 50, SEND 10,"
        " TURN, TAKE 5, EXIT, FIN, TURN, EXIT",
    ),
    "owed_answer": (
        {"flags": NO_HALF_CLOSE},
        "SEND 10, TURN, HOLD, TAKE 10, EXIT, FIN, TURN 3, POST, TURN, WRITE 30, RELEASE, EXIT,"
        " TURN 3, READ 99",
    ),
    "end_while_paused": (
        {},
        "SEND 100, TURN, TAKE 1, PAUSE, EXIT, SEND 20, FIN, TURN 3, POST, TURN, RESUME, EXIT,"
        " EXIT, TURN, TAKE 999, EXIT 1",
    ),
    "late_bytes": (
        {"seed": 8, "faults": 17, "turn": 0},
        "SEND 900, TURN, PAUSE, EXIT, TURN 2, POST, TURN, RESUME, EXIT, TAKE 65535, EXIT,"
        " FIN, TURN 1, EXIT 1",
    ),
    "flight_comes_back": (
        {"faults": 130, "buffers": 15},
        "SEND 200, TURN, ECHO 200, EXIT, POST, TURN, WRITE 50, EXIT, TURN 2, READ 900, TURN 1, FIN,"
        " TURN, EXIT 1",
    ),
    "both_ended_while_paused": (
        {},
        "SEND 10, TURN, TAKE 10, SHUTDOWN_WRITE, PAUSE, EXIT, FIN, TURN 2, POST, TURN, RESUME, EXIT,"
        " EXIT, TURN",
    ),
    "reset_while_paused": ({}, "SEND 100, TURN, PAUSE, EXIT, RESET, TURN 2, EXIT"),
    "reset_with_output": (
        {"buffers": 15},
        "SEND 9, TURN, WRITE_LARGE 900, EXIT, TURN, RESET, TURN 2, WRITE 1, EXIT",
    ),
    "abort_in_the_middle": ({}, "SEND 100, TURN, PEEK, WRITE 5, ABORT, WRITE 5, FLUSH, EXIT, TURN"),
    "close_lingers": (
        {"flags": 0},
        "SEND 100, TURN, WRITE 500, EXIT 1, SEND 300, TURN 2, READ 999, TURN, EXIT, SEND 5, TURN, FIN",
    ),
    "timeouts": (
        {"times": 15, "buffers": 7},
        "SEND 10, TURN, WRITE_LARGE 1000, EXIT, ADVANCE 15000, TURN, EXIT 2, ADVANCE 10000, TURN,"
        " EXIT 2, ADVANCE 10000, TURN 1, EXIT 2, ADVANCE 40000, TURN 1, EXIT",
    ),
    "write_timeout": (
        {"times": 4, "buffers": 7},
        "SEND 10, TURN, TAKE 10, WRITE_LARGE 500, EXIT, ADVANCE 30000, TURN 1, EXIT, TURN 2",
    ),
    "lifetime_goes_on": (
        {"times": 9},
        "ADVANCE 25000, TURN, EXIT 2, ADVANCE 25000, TURN, EXIT 2, ADVANCE 15000, TURN, EXIT,"
        " TURN",
    ),
    "two_connections": (
        {"flags": SECOND},
        "SEND 50, !SEND 70, TURN, ECHO 20, !ECHO 20, !WRITE 9, !PEEK, EXIT, TAKE 9, !CLOSE, EXIT,"
        " TURN 2, READ 99, !READ 99",
    ),
    "prewrite": (
        {"flags": SECOND + PREWRITE},
        "SEND 50, TURN, WRITE_LARGE 5000, WRITE 7, !WRITE 3, EXIT, EXIT, TURN, WRITE 3, EXIT",
    ),
    "without_memory": (
        {"buffers": 15},
        "SEND 100, TURN, FAIL, EXIT, SEND 10, FAIL 1, TURN, WRITE_LARGE 900, EXIT, TURN 2",
    ),
    "abandoned": (
        {"flags": SECOND + ABANDON},
        "SEND 100, TURN, TAKE 5, EXIT, !SEND 9, TURN, WRITE 10, HOLD, EXIT, POST",
    ),
    "tiny_buffers": (
        {"buffers": 3, "faults": 127},
        "SEND 40, TURN 7, ECHO 9, EXIT, SEND 40, TURN 5, ECHO 3, EXIT, READ 5, TURN 3, ECHO 9,"
        " EXIT, FIN, TURN 7",
    ),
}

def lead(header):
    # The on_open of each connection.
    return "TURN 1" + ", EXIT" * (2 if header["flags"] & SECOND else 1)


if __name__ == "__main__":
    seeds.write("tcp_input", HEADER, SEEDS, lead)
