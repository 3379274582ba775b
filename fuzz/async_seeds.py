#!/usr/bin/env python3
"""Writes the seeds of the fuzz target async, and its dictionary (seeds.py).

    fuzz/async_seeds.py

The world takes the steps. If a TURN leads to a callback or a completion, the handler takes them until EXIT.
fuzz/corpus/async also has other files: inputs that once failed.
"""

import seeds

# Socket buffers of 64 KiB, at most 2 KiB of queued output, a mailbox of 64 MiB, a shared buffer of 200 bytes.
HEADER = {"seed": 1, "faults": 0, "buffers": 255, "flags": 0, "outbound": 32, "mailbox": 255, "shared": 25}
REFUSE, DELAYS, ONE_REACTOR = 1, 2, 4
PARTS_SENT, FULL, DEFERRED, ONE_SHOT, LATE, REFUSED, FLIGHTS = 2, 4, 8, 16, 32, 64, 128
WRITE, WRITEV, OWNED, SHARED, SEND_TO, WAKE, CLOSE = range(7)
AS_IT_IS, NEXT, NO_REACTOR, ZERO, SOCKET = range(5)


def ask(kind, size=0):
    return "ASK %d" % (kind + 8 * size)


def aim(index, how=AS_IT_IS):
    return "AIM %d" % (index + 64 * how)


def steps(*parts):
    return ", ".join(parts)


OPEN = "CONNECT, TURN 5, EXIT"
ALL = steps(*(ask(kind, 50) for kind in range(7)))

SEEDS = {
    "writes": ({}, steps(OPEN, *(ask(kind, 40 + kind) for kind in (WRITE, WRITEV, OWNED, SHARED)), "TURN 5", "EXIT", "EXIT",
                         "EXIT", "EXIT", "READ 999")),
    "between_the_handlers_writes": ({}, steps(OPEN, ask(WRITE, 30), "SEND 5", "TURN 3", "WRITE 7", "EXIT", "WRITE 9", ask(OWNED, 8),
                                              "EXIT", "TURN 3", "EXIT", "READ 999")),
    "empty_ones": ({}, steps(OPEN, ask(WRITE), ask(WRITEV), ask(OWNED), "TURN 3", "EXIT", "EXIT", "EXIT")),
    "wake": ({}, steps(OPEN, ask(WAKE), "TURN 3", "TAKE 1", "EXIT", "EXIT", "SEND 20", "TURN 2", "EXIT", ask(WAKE), "TURN 2", "TAKE 20",
                       "EXIT", "EXIT")),
    "wake_while_paused": ({}, steps(OPEN, "SEND 9", "TURN 2", "TAKE 9", "PAUSE", "EXIT", ask(WAKE), "TURN 2", "EXIT", ask(WRITE, 1), "TURN 2", "RESUME",
                                    "EXIT", "TURN 2", "EXIT")),
    "close": ({}, steps(OPEN, ask(WRITE, 20), ask(CLOSE), ask(WRITE, 5), ask(WAKE), ask(CLOSE), "TURN 5", "READ 99", "TURN 3")),
    "hold_and_release": ({}, steps(OPEN, "SEND 9", "FIN", "TURN 2", "TAKE 9", "HOLD", "HOLD", "EXIT", "EXIT", "TURN 3", "READ 99", "TURN 3")),
    "all_of_one_that_has_gone": ({}, steps(OPEN, "RESET", "TURN 4", aim(0), ALL, "TURN 4")),
    "its_index_is_used_again": ({"flags": ONE_REACTOR}, steps(OPEN, "RESET", "TURN 7", *(3 * ["CONNECT", "TURN 5", "EXIT", "RESET", "TURN 7"]),
                                                              "CONNECT", "TURN 5", "EXIT", aim(0), ALL, aim(1), ALL, aim(2), ALL, "TURN 7",
                                                              "READ 999", "SEND 3", "TURN 2", "EXIT")),
    "next_generation": ({}, steps(OPEN, "!CONNECT", "TURN 5", "EXIT", aim(0, NEXT), ALL, aim(1, NEXT), ALL, "TURN 7", "!TURN 7")),
    "no_reactor_and_none_at_all": ({}, steps(OPEN, aim(0, NO_REACTOR), ALL, aim(0, ZERO), ALL, "TURN 3")),
    "datagrams": ({}, steps(aim(0, SOCKET), ALL, ask(SEND_TO, 30), ask(SEND_TO, 3000), ask(SEND_TO, 0), "TURN 5")),
    "datagrams_when_full": ({"buffers": 9, "faults": PARTS_SENT + REFUSED}, steps(aim(0, SOCKET), *(9 * [ask(SEND_TO, 90)]), "TURN 7", "TURN 7")),
    "datagrams_by_a_connections_id": ({}, steps(OPEN, aim(0), ask(SEND_TO, 90), "TURN 3", "EXIT")),
    "closed_under_a_write": ({"buffers": 9}, steps(OPEN, ask(OWNED, 900), ask(WRITE, 500), "TURN 4", "RESET", "TURN 4")),
    "closed_under_a_shared_write": ({"buffers": 9}, steps(OPEN, ask(SHARED), ask(SHARED), "TURN 4", "READ 50", "TURN", "READ 50", "RESET", "TURN 4")),
    "aborted_with_requests_waiting": ({"buffers": 9}, steps(OPEN, "SEND 2", ask(OWNED, 100), ask(WRITE, 5), "TURN", "EXIT", "ABORT", ask(WRITE, 3),
                                                            "EXIT", "TURN 4")),
    "overflow": ({"outbound": 0}, steps(OPEN, ask(WRITE, 600), ask(WRITE, 5), "TURN 4")),
    "overflow_refused": ({"outbound": 0, "buffers": 9, "flags": REFUSE}, steps(OPEN, ask(WRITE, 500), ask(OWNED, 100), ask(WRITE, 5), "TURN 4", "EXIT",
                                                                               "EXIT", "READ 99", "TURN 4")),
    "after_shutdown_write": ({}, steps(OPEN, "SEND 3", "TURN 2", "SHUTDOWN_WRITE", "EXIT", ask(WRITE, 5), ask(OWNED, 5), "TURN 3")),
    "mailbox_full": ({"mailbox": 2}, steps(OPEN, *(6 * [ask(WRITE, 90)]), ask(OWNED, 9), ask(CLOSE), "TURN 4")),
    "without_memory": ({}, steps(OPEN, "FAIL 1", ask(WRITE, 9), "FAIL 2", ask(OWNED, 9), ask(WAKE), "TURN 4", "EXIT", "FAIL 1", ask(SHARED), "TURN 2")),
    "in_flight": ({"faults": FLIGHTS}, steps(OPEN, "SEND 9", "TURN 2", "WRITE 300", "EXIT", ask(WRITE, 30), ask(WRITE), "TURN 4", "EXIT", "EXIT")),
    "an_answer_asks": ({}, steps(OPEN, ask(WRITE, 9), "TURN 3", ask(OWNED, 10), ask(WAKE), "WRITE 3", "EXIT", "TURN 3", ask(CLOSE), "EXIT")),
    "both_reactors": ({}, steps(OPEN, "!CONNECT", "!TURN 7", "EXIT", aim(0), ALL, aim(1), ALL, "!TURN 3", "TURN 7", "!READ 999", "READ 999")),
    "stop_with_requests_waiting": ({"buffers": 9}, steps(OPEN, ask(OWNED, 900), "TURN 2", ask(WRITE, 9), "STOP 5", ask(WRITE, 8), aim(0, SOCKET),
                                                         ask(SEND_TO, 40), "TURN 7", aim(0), ALL)),
    "slow_reader": ({"buffers": 7, "faults": PARTS_SENT + FULL + DEFERRED, "flags": DELAYS},
                    steps(OPEN, ask(WRITE, 300), ask(SHARED), ask(OWNED, 100), *(9 * ["READ 30", "TURN 3"]))),
}

if __name__ == "__main__":
    seeds.write("async", HEADER, SEEDS)
