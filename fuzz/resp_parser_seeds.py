#!/usr/bin/env python3
"""Writes the seeds of the fuzz target resp_parser, and its dictionary.

    fuzz/resp_parser_seeds.py
"""

import os

HERE = os.path.dirname(os.path.abspath(__file__))

GET = b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"

# Name -> the stream.
STREAMS = {
    "get": GET,
    "pipelined": GET * 3,
    "inline": b"SET k \"a \\x41\\n\" 'b'\r\n",
    "mixed": GET + b"PING\r\n" + GET,
    "empty": b"*0\r\n\r\n*-1\r\n" + GET,
    "many": b"*12\r\n" + b"$1\r\na\r\n" * 12,
    "binary": b"*2\r\n$4\r\n\x00\r\n\xff\r\n$0\r\n\r\n",
    "incomplete": b"*2\r\n$3\r\nGET\r\n$100\r\nabc",
    "no_count": b"*x\r\n",
    "no_length": b"*1\r\n$-2\r\n",
    "no_dollar": b"*1\r\nPING\r\n",
    "unbalanced": b"GET \"k\r\n",
    "nul": b"GET\x00 k\r\n",
}

WORDS = [b"*", b"$", b"\r\n", b"*2\r\n$3\r\nGET\r\n", b"$-1", b"\\x41", b"\"", b"'", b"2147483647", b"536870912"]


def main():
    directory = os.path.join(HERE, "corpus", "resp_parser")
    os.makedirs(directory, exist_ok=True)
    for name, stream in STREAMS.items():
        for suffix, header in (("", b"\0\0\7"), ("_limited", b"\4\5\1")):
            with open(os.path.join(directory, name + suffix), "wb") as file:
                file.write(header + stream)
    with open(os.path.join(HERE, "resp_parser.dict"), "w", encoding="ascii") as file:
        for word in WORDS:
            file.write('"%s"\n' % "".join("\\x%02x" % byte for byte in word))


if __name__ == "__main__":
    main()
