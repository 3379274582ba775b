#!/usr/bin/env python3
"""Writes the seeds of the fuzz target http_parser, and its dictionary.

    fuzz/http_parser_seeds.py
"""

import os

HERE = os.path.dirname(os.path.abspath(__file__))

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /echo HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

# Name -> the stream.
STREAMS = {
    "get": GET,
    "pipelined": GET * 3,
    "http_1_0": b"HEAD /a?b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "empty_line_first": b"\r\n" + GET,
    "absolute": b"GET http://[::1]:80/a?b HTTP/1.1\r\nHost: x\r\n\r\n",
    "authority": b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "asterisk": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "conditions": b"GET / HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\nIf-Range: \"a\"\r\nIf-None-Match: *\r\n"
    b"If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n",
    "length": POST + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\nabc" + GET,
    "chunks": CHUNKED + b"3\r\nabc\r\na;b=c;d=\"e\\\"\"\r\n0123456789\r\n0\r\nA: b\r\n\r\n" + GET,
    "length_twice": POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "length_and_coding": POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "unknown_coding": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "chunk_too_large": CHUNKED + b"fffffffffffffffff\r\n",
    "folded": b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
    "bare_cr": b"GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n",
    "http_2": b"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
}

# Name -> the four limits, which 0 leaves at their defaults.
LIMITS = {"": (0, 0, 0, 0), "_limited": (20, 60, 8, 0x42)}

WORDS = [
    "GET ", "HEAD ", "POST ", "OPTIONS * ", "CONNECT ", " HTTP/1.1\r\n", " HTTP/1.0\r\n", "\r\n", "\r\n\r\n", "Host: ",
    "Content-Length: ", "Transfer-Encoding: ", "chunked", "Connection: ", "close", "keep-alive", "Expect: ",
    "100-continue", "Range: bytes=", "If-None-Match: ", "http://", "https://", "0\r\n\r\n", ";a=\"", ": ", ", ",
]  # fmt: skip


def main():
    directory = os.path.join(HERE, "corpus", "http_parser")
    os.makedirs(directory, exist_ok=True)
    for suffix, limits in LIMITS.items():
        for name, stream in STREAMS.items():
            with open(os.path.join(directory, name + suffix), "wb") as seed:
                seed.write(bytes(limits) + b"\x07" + stream)
    with open(os.path.join(HERE, "http_parser.dict"), "w", encoding="ascii") as dictionary:
        dictionary.write("# Written by http_parser_seeds.py: words of HTTP.\n")
        for word in WORDS:
            escaped = "".join(c if c.isalnum() else "\\x%02x" % ord(c) for c in word)
            dictionary.write('"%s"\n' % escaped)


if __name__ == "__main__":
    main()
