#!/usr/bin/env python3
"""Writes the seeds of the fuzz target proxy_protocol.

    fuzz/proxy_protocol_seeds.py
"""

import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
IP4 = bytes([192, 0, 2, 1, 198, 51, 100, 2]) + struct.pack(">HH", 56324, 443)
IP6 = bytes(15) + b"\1" + bytes(15) + b"\2" + struct.pack(">HH", 80, 90)
PATHS = b"/run/client".ljust(108, b"\0") + b"\0abstract".ljust(108, b"\0")


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def field(kind, value):
    return struct.pack(">BH", kind, len(value)) + value


def v2(command, family, rest):
    return SIGNATURE + struct.pack(">BBH", command, family, len(rest)) + rest


def with_checksum(family, addresses, fields):
    blank = v2(0x21, family, addresses + field(3, bytes(4)) + fields)
    place = 16 + len(addresses) + 3
    return blank[:place] + struct.pack(">I", crc32c(blank)) + blank[place + 4 :]


SEEDS = {
    "v1_tcp4": b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\nGET / HTTP/1.1\r\n",
    "v1_tcp6": b"PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 1 65535\r\n",
    "v1_unknown": b"PROXY UNKNOWN\r\n",
    "v1_unknown_with_rest": b"PROXY UNKNOWN ffff::1 ::1 1 2\r\n",
    "v1_leading_zero": b"PROXY TCP4 192.0.2.1 198.51.100.2 056 443\r\n",
    "v1_longest": b"PROXY UNKNOWN " + b"x" * 91 + b"\r\n",
    "v1_not_finished": b"PROXY TCP4 192.0.2.1 198.5",
    "v2_local": v2(0x20, 0, b""),
    "v2_local_with_rest": v2(0x20, 0xFF, b"ignored"),
    "v2_unspecified": v2(0x21, 0, field(4, b"pad")),
    "v2_unspecified_field": v2(0x21, 0, field(2, b"example.org")),
    "v2_tcp4": v2(0x21, 0x11, IP4) + b"hello",
    "v2_udp4": v2(0x21, 0x12, IP4),
    "v2_tcp6": v2(0x21, 0x21, IP6),
    "v2_udp6": v2(0x21, 0x22, IP6),
    "v2_unix": v2(0x21, 0x31, PATHS),
    "v2_unix_full": v2(0x21, 0x31, b"/" * 216),
    "v2_fields": v2(0x21, 0x11, IP4 + field(1, b"h2") + field(2, b"example.org") + field(4, b"") + field(5, b"id")),
    "v2_checksum": with_checksum(0x11, IP4, field(2, b"example.org")),
    "v2_checksum_wrong": v2(0x21, 0x11, IP4 + field(3, b"abcd")),
    "v2_torn_field": v2(0x21, 0x11, IP4 + b"\1\0\5h"),
    "v2_too_long": v2(0x21, 0x11, IP4 + field(4, bytes(5000))),
    "v2_short_addresses": v2(0x21, 0x21, IP4),
}


def main():
    directory = os.path.join(HERE, "corpus", "proxy_protocol")
    os.makedirs(directory, exist_ok=True)
    for name, content in SEEDS.items():
        with open(os.path.join(directory, name), "wb") as seed:
            seed.write(content)


if __name__ == "__main__":
    main()
