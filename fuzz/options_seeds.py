#!/usr/bin/env python3
"""Writes the seeds of the fuzz target options, and its dictionary.

    fuzz/options_seeds.py

A seed is a list of options with numbers, which value_of of options.c converts to values. The indices of the options are
read from options.c.
"""

import seeds

LEAST, MOST = 2 << 12, 3 << 12  # a number of 1 is the limit itself

RANGES = "REACTORS BALANCER FULL_ACTION BACKEND BUSY_POLL IDLE_TIMEOUT READ_TIMEOUT WRITE_TIMEOUT LIFETIME LINGER DRAIN \
HIGH_ACTION OVERFLOW_ACTION READ_TURN UDP_DATAGRAM SEND_BUFFER RECEIVE_BUFFER KEEPALIVE_IDLE USER_TIMEOUT NOTSENT_LOWAT \
BACKLOG FAST_OPEN DEFER_ACCEPT UNIX_MODE LOOKUP_THREADS \
LOOKUPS_MAX".split()

SEEDS = {"defaults": ""}
for option in RANGES:
    name = option.lower()
    SEEDS[name + "_least"] = "%s %d" % (option, LEAST + 1)
    SEEDS[name + "_below"] = "%s %d" % (option, LEAST)
    SEEDS[name + "_most"] = "%s %d" % (option, MOST + 1)
    SEEDS[name + "_above"] = "%s %d" % (option, MOST + 2)
SEEDS.update(
    {
        "keepalive": "KEEPALIVE_IDLE 5, KEEPALIVE_INTERVAL %d, KEEPALIVE_COUNT %d" % (MOST + 1, MOST + 1),
        "keepalive_interval_above": "KEEPALIVE_IDLE 5, KEEPALIVE_INTERVAL %d" % (MOST + 2),
        "keepalive_count_above": "KEEPALIVE_IDLE 5, KEEPALIVE_COUNT %d" % (MOST + 2),
        "keepalive_interval_alone": "KEEPALIVE_INTERVAL 5",
        "keepalive_count_when_off": "KEEPALIVE_IDLE %d, KEEPALIVE_COUNT 5" % (LEAST + 1),
        "marks": "HIGH_WATER 1000, LOW_WATER 1000, READ_TURN 512, OUTBOUND_MAX 1512",
        "low_above_high": "HIGH_WATER 1000, LOW_WATER 1001",
        "no_room_for_a_turn": "HIGH_WATER 1000, READ_TURN 512, OUTBOUND_MAX 1511",
        "high_raises_the_bound": "HIGH_WATER %d, LOW_WATER 1" % (0x9002),
        "high_unlimited": "HIGH_WATER %d" % (MOST + 1),
        "bound_unlimited": "OUTBOUND_MAX %d, INBOUND_MAX %d, MAILBOX_MAX %d" % (MOST + 1, MOST + 1, MOST + 1),
        "sizes": "CONNECTIONS_MAX 1, UDP_OUTBOUND 1, INBOUND_MAX 1, MAILBOX_MAX 1, UDP_DATAGRAM 1, HOLDS_MAX 1",
        "places": "CONNECTIONS_MAX 5, PER_ADDRESS_MAX 1",
        "places_unlimited": "CONNECTIONS_MAX %d, PER_ADDRESS_MAX %d" % (MOST + 1, MOST + 1),
        "inbound_mark": "INBOUND_MAX 1000, INBOUND_HIGH 1000",
        "inbound_mark_above": "INBOUND_MAX 1000, INBOUND_HIGH 1001",
        "inbound_mark_above_default": "INBOUND_HIGH %d" % (0x9002),
        "dials_reserved": "CONNECTIONS_MAX 5, DIALS_RESERVED 4",
        "dials_reserved_all": "CONNECTIONS_MAX 5, DIALS_RESERVED 5",
        "device": "DEVICE 15",
        "device_too_long": "DEVICE 16",
        "device_empty": "DEVICE 0",
    }
)

if __name__ == "__main__":
    seeds.write("options", {}, {name: ({}, steps) for name, steps in SEEDS.items()})
