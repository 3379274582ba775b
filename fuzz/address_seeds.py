#!/usr/bin/env python3
"""Writes the seeds of the fuzz target address, and its dictionary.

    fuzz/address_seeds.py
"""

import os
import socket
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
WITH_MESSAGE, CUT_MESSAGE, FORMAT_ONLY = 128, 8, 1

TEXTS = {
    "ip4": "tcp://127.0.0.1:9000",
    "ip4_without_a_scheme": "10.0.0.1:0",
    "ip4_leading_zero": "127.0.0.01:80",
    "ip4_above_255": "256.0.0.1:80",
    "ip4_three_parts": "127.0.1:80",
    "ip4_under_tcp6": "tcp6://1.2.3.4:5",
    "ip6": "tcp://[2001:db8::ff00:42:8329]:443",
    "ip6_whole": "udp6://[1:2:3:4:5:6:7:8]:9",
    "ip6_gap_of_one": "[1:2:3:4:5:6:7::]:1",
    "ip6_two_gaps": "[1::2::3]:1",
    "ip6_nine_groups": "[1:2:3:4:5:6:7:8:9]:1",
    "ip6_five_digits": "[12345::]:1",
    "ip6_with_a_quad": "[64:ff9b::192.0.2.33]:1",
    "ip6_quad_in_front": "[1.2.3.4::]:1",
    "ip6_mapped": "[::ffff:1.2.3.4]:1",
    "ip6_mapped_under_tcp6": "tcp6://[::ffff:1.2.3.4]:1",
    "ip6_under_udp4": "udp4://[::1]:5",
    "ip6_wildcard": "tcp://[::]:80",
    "ip6_wildcard_alone": "tcp6://[::]:80",
    "ip6_not_in_brackets": "::1:80",
    "ip6_not_closed": "[::1:80",
    "zone_number": "[fe80::1%7]:1",
    "zone_zero": "[fe80::1%0]:1",
    "zone_name": "[fe80::1%lo]:1",
    "zone_unknown": "[fe80::1%no-such-interface]:1",
    "zone_too_large": "[fe80::1%4294967296]:1",
    "zone_empty": "[fe80::1%]:1",
    "zone_of_a_mapped_one": "[::ffff:1.2.3.4%1]:1",
    "wildcard": ":9000",
    "wildcard_tcp4": "tcp4://:9000",
    "wildcard_udp6": "udp6://:1",
    "name": "tcp://localhost:80",
    "name_255": "a" * 255 + ":1",
    "name_256": "a" * 256 + ":1",
    "port_missing": "tcp://127.0.0.1",
    "port_empty": "127.0.0.1:",
    "port_above": "127.0.0.1:65536",
    "port_most": "127.0.0.1:65535",
    "port_signed": "127.0.0.1:+80",
    "port_of_a_bracket_missing": "[::1]80",
    "two_colons": "1.2.3.4:80:1",
    "scheme_unknown": "http://1.2.3.4:80",
    "scheme_in_capitals": "TCP://1.2.3.4:80",
    "scheme_with_one_slash": "udp:/x:1",
    "unix": "unix:///run/x.sock",
    "unix_107": "unix://" + "p" * 107,
    "unix_108": "unix://" + "p" * 108,
    "unix_empty": "unix://",
    "abstract": "unix://@name",
    "abstract_108": "unix://@" + "n" * 107,
    "abstract_109": "unix://@" + "n" * 108,
    "abstract_empty": "unix://@",
    "line_feed": "tcp://a\nb\x1b[2J",
}

RAW = {
    "raw_none": b"",
    "raw_ip4": struct.pack("=HH4s", socket.AF_INET, 80, b"\x7f\0\0\1"),
    "raw_ip6": struct.pack("=HHI16sI", socket.AF_INET6, 80, 0, b"\xfe\x80" + b"\1" * 14, 0xFFFFFFFF),
    "raw_unix_without_a_name": struct.pack("=H", socket.AF_UNIX),
    "raw_unix_without_an_end": struct.pack("=H", socket.AF_UNIX) + b"p" * 108,
    "raw_abstract_with_zeros": struct.pack("=H", socket.AF_UNIX) + b"\0a\0b",
}

TOKENS = "tcp:// tcp4:// tcp6:// udp:// udp4:// udp6:// unix:// unix://@ [ ]: :: % . ffff: 127.0.0.1 [::1]: 65535 lo".split()

if __name__ == "__main__":
    directory = os.path.join(HERE, "corpus", "address")
    os.makedirs(directory, exist_ok=True)
    for name, text in TEXTS.items():
        lead = CUT_MESSAGE if name in ("port_missing", "two_colons") else WITH_MESSAGE
        with open(os.path.join(directory, name), "wb") as seed:
            seed.write(bytes([lead]) + text.encode())
    for name, raw in RAW.items():
        with open(os.path.join(directory, name), "wb") as seed:
            seed.write(bytes([FORMAT_ONLY]) + raw)
    with open(os.path.join(HERE, "address.dict"), "w", encoding="utf-8") as dictionary:
        dictionary.write("# Written by address_seeds.py.\n")
        dictionary.writelines('"%s"\n' % token for token in TOKENS)
