"""The table of comparisons: which servers there are, and which rows. It only has data and pure functions.

A row appears in the documents if it has been measured. A server whose program is missing is skipped by name, and
so is a row without its base or without a server of evnet.
"""

import collections

# The protocols that a command can serve. `echo` is TCP.
PROTOCOLS = ("echo", "unix", "udp", "http", "file", "resp", "proxy")

ADDRESSES = {
    "unix": "unix://{tmp}/server.sock",
    "udp": "udp://127.0.0.1:0",
}

# name: also the key in the results. commands: protocol -> (program, arguments), see programs.py. In arguments,
# {address} is the address of the protocol; {port} a free port; {tmp} an empty directory; {www} the directory with
# the file of the row `http-1m`; {upstream} the address of an echo server, for proxies.
Server = collections.namedtuple("Server", "name text commands")

# kind: `cpu` compares the CPU time of a request in a closed loop; `latency` the latency in an open loop, at 70 % of
# the peak rate of the server `pace` (None: of the slowest one); `idle` the memory of an idle connection; `keys` the
# memory of a key of a store.
# base: the server in the denominators. only: the servers of the row; None: all that serve its protocol.
Row = collections.namedtuple("Row", "name group kind title protocol load base pace bars only")

# measure(server) / measure(versus) must be at most `most`, or at least `least`. versus None: the measure itself.
Bar = collections.namedtuple("Bar", "server measure versus most least")


def bar(server, versus, most=None, least=None, measure="cpu_us"):
    return Bar(server, measure, versus, most, least)


def _evnet(backend, program):
    return program, "--reactors=1 --backend=%s " % backend + "{address}"


def _evnet_commands(backend):
    echo = _evnet(backend, "//examples/echo:echo")
    http, proxy = "//examples/http:http", "//examples/proxy:proxy"
    kv = "//examples/kv:kv"
    return {
        "echo": echo,
        "unix": echo,
        "udp": echo,
        "http": _evnet(backend, http),
        "file": (http, "--root={www} --reactors=1 --backend=%s {address}" % backend),
        "resp": _evnet(backend, kv),
        "proxy": (proxy, "--upstream={upstream} --reactors=1 --backend=%s {address}" % backend),
    }


def _same(program, protocols, arguments="{address}"):
    return {protocol: (program, arguments) for protocol in protocols}


_STREAMS = ("echo", "unix", "udp")

SERVERS = [
    Server("floor-lt", "a bare epoll loop, level-triggered", _same("//benchmarks/floor:floor_lt", _STREAMS)),
    Server("floor-et", "a bare epoll loop, edge-triggered", _same("//benchmarks/floor:floor_et", _STREAMS)),
    Server(
        "floor-uring",
        "a bare io_uring loop",
        _same("//benchmarks/floor:floor_uring", ("echo",)),
    ),
    Server(
        "floor-http",
        "a bare epoll loop that answers without parsing",
        _same("//benchmarks/floor:floor_http", ("http",)),
    ),
    Server("evnet", "evnet on epoll", _evnet_commands("epoll")),
    Server("evnet-uring", "evnet on io_uring", _evnet_commands("io_uring")),
    Server(
        "evnet-busy",
        "evnet on epoll with busy_poll_us = 50",
        _same("//examples/echo:echo", ("echo",), "--reactors=1 --backend=epoll --busy-poll-us=50 {address}"),
    ),
    Server("libuv", "libuv", _same("//benchmarks/peers:libuv_echo", ("echo",))),
    Server("libev", "libev", _same("//benchmarks/peers:libev_echo", ("echo", "unix"))),
    Server("libevent", "libevent", _same("//benchmarks/peers:libevent_echo", ("echo",))),
    Server("gnet", "gnet (Go)", _same("go", _STREAMS, "-engine=gnet {address}")),
    Server(
        "go-net",
        "Go's net and net/http",
        {
            **_same("go", _STREAMS, "-engine=net {address}"),
            "http": ("go", "-engine=http {address}"),
        },
    ),
    Server("tokio", "tokio (Rust)", _same("cargo", _STREAMS)),
    Server("nginx", "nginx", {"http": ("nginx.sh", "{port}"), "file": ("nginx.sh", "{port} {www}")}),
    Server("redis", "redis-server", {"resp": ("redis.sh", "{port}")}),
    Server("haproxy", "haproxy, mode tcp", {"proxy": ("haproxy.sh", "{port} {upstream}")}),
    Server("haproxy-splice", "haproxy with splice", {"proxy": ("haproxy.sh", "{port} {upstream} splice")}),
]

# Servers that only take part in rows that name them, in `only` or in a bar.
_NAMED_ONLY = {"evnet-busy", "floor-uring", "haproxy-splice"}
OURS = ("evnet", "evnet-uring")


def _load(connections, payload, depth, *options):
    return ["--connections=%d" % connections, "--payload=%d" % payload, "--depth=%d" % depth, *options]


def _row(name, group, kind, title, protocol, load, base, pace=None, bars=(), only=None):
    return Row(name, group, kind, title, protocol, load, base, pace, list(bars), only)


def _echo(name, title, load, most, protocol="echo", group="echo", bars=()):
    bars = [bar("evnet", "floor-lt", most), *bars]
    return _row(name, group, "cpu", title, protocol, load, "floor-lt", bars=bars)


def _resp(name, title, options, depth, most):
    bars = [bar("evnet", "redis", most)]
    return _row(name, "resp", "cpu", title, "resp", _load(50, 64, depth, *options), "redis", bars=bars)


def _latency(name, group, title, protocol, load, base, pace=None):
    bars = [bar("evnet", pace, most=1.00, measure="p999_us")] if pace else []
    return _row(name, group, "latency", title, protocol, load, base, pace, bars)


_URING = [bar("evnet-uring", "floor-uring", 1.02)]

ROWS = [
    _echo("echo-64", "TCP echo, 64 B, 50 connections", _load(50, 64, 1), 1.03, bars=_URING),
    _echo("echo-64-1000", "TCP echo, 64 B, 1,000 connections", _load(1000, 64, 1), 1.03, bars=_URING),
    _echo("echo-64-pipelined", "TCP echo, 64 B, 16 in flight on each of 50", _load(50, 64, 16), 1.05),
    _echo("echo-1k", "TCP echo, 1 KiB, 50 connections", _load(50, 1024, 1), 1.00),
    _echo("echo-16k", "TCP echo, 16 KiB, 50 connections", _load(50, 16384, 1), 1.00),
    _echo("echo-64k", "TCP echo, 64 KiB, 50 connections", _load(50, 65536, 1), 1.00),
    _row(
        "echo-one",
        "echo",
        "cpu",
        "TCP echo, 64 B, one connection, one request at a time",
        "echo",
        _load(1, 64, 1),
        "floor-lt",
        bars=[bar("evnet-busy", "floor-lt", least=3.0, measure="rate")],
        only=("floor-lt", *OURS, "evnet-busy"),
    ),
    _latency("echo-latency", "echo", "TCP echo, 64 B, 50 connections", "echo", _load(50, 64, 16), "floor-lt"),
    _echo("unix-64", "Unix stream, 64 B, 50 connections", _load(50, 64, 1), 1.03, "unix", "unix"),
    _echo("unix-64-pipelined", "Unix stream, 64 B, 16 in flight on each of 50", _load(50, 64, 16), 1.05, "unix", "unix"),
    _echo("udp-64", "UDP, 64 B, 50 sockets, 1 in flight on each", _load(50, 64, 1), 0.98, "udp", "udp"),
    _echo("udp-64-16", "UDP, 64 B, 50 sockets, 16 in flight on each", _load(50, 64, 16), 0.60, "udp", "udp"),
    _echo("churn", "TCP: connect, one request of 64 B, close", _load(50, 64, 1, "--mode=churn"), 1.03, group="churn"),
    _row(
        "http-hello",
        "http",
        "cpu",
        "HTTP Hello, keep-alive, 50 connections",
        "http",
        _load(50, 64, 1, "--mode=http"),
        "floor-http",
        bars=[bar("evnet", "floor-http", 1.08), bar("evnet", "nginx", 0.80)],
    ),
    _row(
        "http-pipelined",
        "http",
        "cpu",
        "HTTP Hello, 16 pipelined on each of 50 connections",
        "http",
        _load(50, 64, 16, "--mode=http"),
        "floor-http",
        bars=[bar("evnet", "floor-http", 1.15)],
    ),
    _row(
        "http-1m",
        "http",
        "cpu",
        "HTTP file of 1 MiB, 50 connections",
        "file",
        _load(50, 64, 1, "--mode=http", "--target=/1m.bin"),
        "nginx",
        bars=[bar("evnet", "nginx", 1.00)],
    ),
    _latency(
        "http-latency",
        "http",
        "HTTP Hello, 50 connections",
        "http",
        _load(50, 64, 1, "--mode=http"),
        "nginx",
        pace="nginx",
    ),
    _resp("resp-get", "RESP GET, 50 connections", ["--mode=get"], 1, 0.72),
    _resp("resp-set", "RESP SET, 50 connections", ["--mode=set"], 1, 0.72),
    _resp("resp-get-pipelined", "RESP GET, 16 pipelined on each of 50 connections", ["--mode=get"], 16, 0.60),
    _resp("resp-set-pipelined", "RESP SET, 16 pipelined on each of 50 connections", ["--mode=set"], 16, 0.60),
    _latency(
        "resp-latency", "resp", "RESP GET, 50 connections", "resp", _load(50, 64, 1, "--mode=get"), "redis", pace="redis"
    ),
    _row(
        "resp-memory",
        "resp",
        "keys",
        "Memory of a key of 16 bytes with a value of 64 bytes, of 1 million",
        "resp",
        [],
        "redis",
        bars=[bar("evnet", "redis", 1.00, measure="bytes")],
    ),
    _row(
        "proxy-64",
        "proxy",
        "cpu",
        "TCP proxy, 64 B, 50 connections",
        "proxy",
        _load(50, 64, 1),
        "haproxy",
        bars=[bar("evnet", "haproxy", 0.75)],
    ),
    _row(
        "proxy-64k",
        "proxy",
        "cpu",
        "TCP proxy, 64 KiB, 50 connections",
        "proxy",
        _load(50, 65536, 1),
        "haproxy-splice",
        bars=[bar("evnet", "haproxy-splice", 1.00)],
        only=(*OURS, "haproxy", "haproxy-splice"),
    ),
    _latency(
        "proxy-latency", "proxy", "TCP proxy, 64 B, 50 connections", "proxy", _load(50, 64, 1), "haproxy", pace="haproxy"
    ),
    _row(
        "idle-memory",
        "memory",
        "idle",
        "User memory of an idle connection, of 10,000",
        "echo",
        [],
        "floor-lt",
        bars=[bar("evnet", None, 128, measure="bytes")],
    ),
]

GROUPS = list(dict.fromkeys(row.group for row in ROWS))


def server(name):
    return next(server for server in SERVERS if server.name == name)


def select(names):
    """Returns the rows of a list of names of groups and rows, in the order of the table; raises KeyError."""
    for name in names:
        if name not in GROUPS and all(name != row.name for row in ROWS):
            raise KeyError(name)
    return [row for row in ROWS if not names or row.group in names or row.name in names]


def parse_peer(text):
    """Parses [PROTOCOL:]NAME=COMMAND. Returns a Server; raises ValueError."""
    head, separator, command = text.partition("=")
    protocol, colon, name = head.rpartition(":")
    protocol = protocol if colon else "echo"
    if not separator or not name.strip() or not command.strip() or protocol not in PROTOCOLS:
        raise ValueError("%r is not [PROTOCOL:]NAME=COMMAND; PROTOCOL is one of %s" % (text, ", ".join(PROTOCOLS)))
    return Server(name, name, {protocol: (None, command)})


def servers_of(row, peers=()):
    """Returns the servers of a row, in the order of the table; the base comes first."""
    servers = [s for s in [*SERVERS, *peers] if row.protocol in s.commands and takes_part(row, s, peers)]
    return sorted(servers, key=lambda s: s.name != row.base)


def takes_part(row, candidate, peers=()):
    if candidate in peers or candidate.name == row.base:
        return True
    if row.only is not None:
        return candidate.name in row.only
    in_bars = {name for bar in row.bars for name in (bar.server, bar.versus)}
    return candidate.name not in _NAMED_ONLY or candidate.name in in_bars


def address_of(protocol):
    return ADDRESSES.get(protocol, "tcp://127.0.0.1:0")
