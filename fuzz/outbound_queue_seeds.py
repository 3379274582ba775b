#!/usr/bin/env python3
"""Writes the seeds of the fuzz target outbound_queue, and its dictionary.

    fuzz/outbound_queue_seeds.py

A seed is a list of steps in order. Their numbers are read from outbound_queue.c.
"""

import seeds

SEEDS = {
    "blocks_grow": "APPEND 1, APPEND 4000, APPEND 4096, APPEND 20000, APPEND 60000, CONSUME 1, CONSUME 65535, CONSUME_ALL 9",
    "filled_to_the_byte": "APPEND 4048, APPEND 1, CONSUME 4048, APPEND 100, CONSUME 1, CONSUME 100",
    "pieces": "PIECES 900, PIECES 2048, PIECES 1324, PIECES 65535, CONSUME 500, PIECES 3, CONSUME_ALL 15",
    "skip_all": "PIECES 10250, PIECES 3082, APPEND 0, PREPEND 0, CONSUME 0",
    "came_back": "PREPEND 500, PREPEND 100, APPEND 9000, CONSUME 550, PREPEND 50, APPEND 10, CONSUME_ALL 9",
    "files": "FILE_RANGE 100, APPEND 5, FILE_RANGE 0, FILE_RANGE 9, APPEND 7, CONSUME 50, CONSUME 51, CONSUME 9, CONSUME 1,"
    " PREPEND 3, CONSUME 3, CONSUME 10, CONSUME 7",
    "files_max": ", ".join(["FILE_RANGE 1"] * 65) + ", CONSUME 2, FILE_RANGE 3, DEINIT",
    "file_first": "FILE_RANGE 9, PREPEND 30, CONSUME 40, CONSUME 20",
    "lent": "LEND 500, APPEND 30, LEND 65000, APPEND 9, CONSUME 500, CONSUME 29, CONSUME 1, CONSUME 60000, CONSUME_ALL 3",
    "lent_nothing": "LEND_NONE, APPEND 5, LEND_NONE, LEND_NONE, LEND 4, LEND_NONE, CONSUME 4, CONSUME 1, APPEND 1, CONSUME 5",
    "lent_behind_a_file": "FILE_RANGE 5, LEND_NONE, LEND 8, LEND_NONE, FILE_RANGE 2, CONSUME 6, CONSUME 8, CONSUME 3",
    "small_block_behind_lent": ", ".join(["LEND 9, APPEND 400"] * 9) + ", CONSUME_ALL 15, CONSUME_ALL 15",
    "bound": "BOUND 1000, APPEND 1000, APPEND 1, LEND 1, LEND_NONE, PREPEND 10, LEND_NONE, CONSUME 11, APPEND 1, LEND_NONE",
    "bound_lowered": "APPEND 500, BOUND 100, APPEND 1, APPEND 0, CONSUME 450, APPEND 50, BOUND 0, APPEND 9000, DEINIT",
    "without_memory": "FAIL 0, APPEND 5, APPEND 5, FAIL 1, APPEND 65535, FAIL 0, PREPEND 5, FAIL 0, FILE_RANGE 5, CONSUME 5",
    "without_memory_for_long": "APPEND 100, FAIL 9, APPEND 60000, PREPEND 3, FILE_RANGE 5, LEND 5, FAIL_NEVER, APPEND 60000, DEINIT",
    "deinit": "APPEND 5, FILE_RANGE 5, LEND 9, LEND_NONE, DEINIT, DEINIT, APPEND 5",
}

if __name__ == "__main__":
    seeds.write("outbound_queue", {}, {name: ({}, steps) for name, steps in SEEDS.items()})
