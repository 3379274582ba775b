"""Measures the rows of table.py, one after another. Each returns a record: see records.py."""

import argparse
import collections
import contextlib
import datetime
import os
import shlex
import socket
import statistics
import tempfile

import counters
import idle_memory
import machine
import measure
import programs
import records
import servers
import table

# The share of the peak rate at which latency is measured in the open loop.
LATENCY_SHARE = 0.7
PEAK_ROUNDS = 3
# A queue from the start of the open loop must be gone before latency counts.
LATENCY_WARMUP_SECONDS = 0.2
COUNTER_SECONDS = 0.3
FILE_BYTES = 1 << 20
IDLE_CONNECTIONS = 10000
KEYS = 1000000
KEYS_PER_SEND = 1000
# The memory rows do not depend on time, so three runs show whether a figure is stable.
MEMORY_RUNS = 3

# attempts: the most runs of a row whose control is off.
Settings = collections.namedtuple("Settings", "method attempts idle_connections keys memory_runs")


class Skipped(Exception):
    """The row cannot be measured; the text is the reason."""


class Suite:
    """The state of one run: programs, directories, the servers that are missing. A context manager."""

    def __init__(self, found, settings, peers, shown):
        self.programs = found
        self.settings = settings
        self.peers = peers
        self.shown = shown
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        directory = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="evnet-suite-"))
        self.tmp = os.path.join(directory, "tmp")
        self.www = os.path.join(directory, "www")
        os.mkdir(self.tmp)
        os.mkdir(self.www)
        with open(os.path.join(self.www, "1m.bin"), "wb") as file:
            file.write(os.urandom(FILE_BYTES))
        return self

    def __exit__(self, kind, value, trace):
        self.stack.close()

    def command(self, server, protocol, upstream=""):
        """Returns the command of a server; raises programs.Missing."""
        program, arguments = server.commands[protocol]
        words = {
            "address": table.address_of(protocol),
            "tmp": self.tmp,
            "www": self.www,
            "upstream": upstream,
        }
        for word, value in words.items():
            arguments = arguments.replace("{%s}" % word, value)
        if program is None:
            return arguments
        return shlex.quote(self.programs.path(program)) + " " + arguments

    def commands(self, row, upstream=""):
        """Returns the command of each server that is there, and the reason for each that is not."""
        found, missing = {}, {}
        for server in table.servers_of(row, self.peers):
            try:
                found[server.name] = self.command(server, row.protocol, upstream)
                self._probe(server, found[server.name])
            except (programs.Missing, servers.Failure) as reason:
                found.pop(server.name, None)
                missing[server.name] = str(reason).splitlines()[0]
        if row.base not in found:
            raise Skipped("%s: %s" % (row.base, missing[row.base]))
        if not any(name in found for name in table.OURS):
            raise Skipped("evnet: %s" % missing["evnet"])
        return found, missing

    def _probe(self, server, command):
        """Starts the server once, so that one that cannot run here does not end the run."""
        with servers.Server(command, self.settings.method.server_cpus):
            self.shown.show(server.name)

    def load_words(self, row, rate=None):
        rates = ["--rate=%d" % rate] if rate else []
        return [self.programs.path("//benchmarks/load:load"), *row.load, *rates]

    def run(self, row):
        """Measures a row. Returns its record; raises Skipped or servers.Failure."""
        with contextlib.ExitStack() as stack:
            upstream = ""
            if row.protocol == "proxy":
                echo = self.command(table.server("floor-lt"), "echo")
                # It answers for the client, so it shares the CPU of the load.
                upstream = stack.enter_context(servers.Server(echo, self.settings.method.load_cpus)).address
            commands, missing = self.commands(row, upstream)
            kinds = {"cpu": run_cpu, "latency": run_latency, "idle": run_idle, "keys": run_keys}
            record = {
                "row": row.name,
                "title": row.title,
                "kind": row.kind,
                "base": row.base,
                "date": datetime.date.today().isoformat(),
                "machine": machine.describe(),
                "method": describe_method(self.settings.method),
                **kinds[row.kind](self, row, commands),
            }
            record["skipped"] = {**missing, **record.pop("failed", {})}
        versions = self.programs.versions()
        record["versions"] = {name: versions[name] for name in sorted(versions)}
        return record


def describe_method(method):
    return {
        "pairs": method.pairs,
        "slice_seconds": method.slice_seconds,
        "server_cpus": machine.cpu_list(method.server_cpus),
        "load_cpus": machine.cpu_list(method.load_cpus),
    }


def run_rounds(suite, row, commands, words):
    """Returns the columns of each server and of the control, from interleaved rounds."""
    method = suite.settings.method
    if row.kind == "latency":
        method = method._replace(warmup_seconds=LATENCY_WARMUP_SECONDS)
    names = [*commands, "control"]
    commands = {**commands, "control": commands[row.base]}
    samples = {name: [] for name in names}
    for i in range(method.pairs):
        for name, sample in measure.measure_round(method, commands, words, measure.rotated(names, i)).items():
            samples[name].append(sample)
        suite.shown.add(row.name, len(names))
    return {name: records.columns(samples[name]) for name in names}


def attempt_rounds(suite, row, commands, words):
    """Repeats the rounds while their control is off, as often as the settings allow."""
    for attempt in range(suite.settings.attempts):
        if attempt > 0:
            suite.shown.total += slices_of(suite.settings, len(commands))
        measured = run_rounds(suite, row, commands, words)
        result = {"base": row.base, "servers": measured, "control": measured.pop("control")}
        if records.holds(result, "cpu_us"):
            break
    return {"attempts": attempt + 1, **result}


def slices_of(settings, server_count):
    """Returns the number of slices of a row with this number of servers: they are the unit of the progress."""
    return settings.method.pairs * (server_count + 1)


def run_cpu(suite, row, commands):
    words = suite.load_words(row)
    result = attempt_rounds(suite, row, commands, words)
    result["counters"] = {name: count(suite, row, command, words) for name, command in commands.items()}
    return result


def count(suite, row, command, words):
    """Returns the system calls and the context switches of a request."""
    method = suite.settings.method._replace(slice_seconds=COUNTER_SECONDS, warmup_seconds=0)
    with servers.Server(command, method.server_cpus) as server:
        with measure.Load(words, method, server) as load:
            load.run()
            # The loop always has this number of requests in flight; the load awaits them after the window.
            options = dict(word.lstrip("-").split("=") for word in row.load)
            in_flight = int(options["connections"]) * int(options["depth"])
            measured = counters.measure(server.pid, lambda: load.run()["requests"] + in_flight)
    return {name: records.shorten(value) for name, value in measured.items()}


def run_latency(suite, row, commands):
    """Measures the latency in the open loop, at a share of the peak rate of the closed loop."""
    names = [row.pace] if row.pace else list(commands)
    rates = {name: [] for name in names}
    peak_commands = {name: commands[name] for name in names}
    for i in range(PEAK_ROUNDS):
        order = measure.rotated(names, i)
        peaks = measure.measure_round(suite.settings.method, peak_commands, suite.load_words(row), order)
        for name, sample in peaks.items():
            rates[name].append(sample.rate)
    peak = min(statistics.median(values) for values in rates.values())
    rate = int(peak * LATENCY_SHARE)
    return {"rate": rate, **attempt_rounds(suite, row, commands, suite.load_words(row, rate))}


def run_idle(suite, row, commands):
    """Measures the resident bytes of an idle connection."""
    arguments = argparse.Namespace(
        load=suite.programs.path("//benchmarks/load:load"),
        connections=suite.settings.idle_connections,
        payload=64,
    )

    def measure_once(server):
        before, held, _ = idle_memory.measure(arguments, server)
        return (held[0] - before[0]) / arguments.connections

    return run_memory(suite, row, commands, measure_once)


def run_keys(suite, row, commands):
    """Measures the resident bytes of a key."""

    def measure_once(server):
        before = idle_memory.memory_bytes(server.pid)[0]
        fill(server.address, suite.settings.keys)
        return (idle_memory.memory_bytes(server.pid)[0] - before) / suite.settings.keys

    return run_memory(suite, row, commands, measure_once)


def run_memory(suite, row, commands, measure_once):
    """Measures each server alone. One that fails is left out, unless it is the base."""
    values, failed = {name: {"bytes": []} for name in commands}, {}
    for _ in range(suite.settings.memory_runs):
        for name, command in commands.items():
            suite.shown.add(row.name)
            if name in failed:
                continue
            try:
                with servers.Server(command) as server:
                    values[name]["bytes"].append(records.shorten(measure_once(server)))
            except servers.Failure as failure:
                failed[name] = "%s: %s" % (name, str(failure).splitlines()[0])
                if name == row.base:
                    raise servers.Failure(failed[name]) from failure
                values.pop(name)
    return {"servers": values, "failed": failed}


def set_command(i):
    """Returns a SET of the i-th key: 16 bytes, with a value of 64 bytes."""
    return b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$64\r\n%064d\r\n" % (i, i)


def fill(address, count):
    """Sets `count` keys of a RESP server."""
    host, port = address[len("tcp://") :].rsplit(":", 1)
    done = b"+OK\r\n"
    with socket.create_connection((host, int(port)), timeout=30) as client:
        for first in range(0, count, KEYS_PER_SEND):
            last = min(first + KEYS_PER_SEND, count)
            client.sendall(b"".join(set_command(i) for i in range(first, last)))
            left = len(done) * (last - first)
            while left > 0:
                reply = client.recv(min(left, 65536))
                if not reply:
                    raise servers.Failure("%s: closes the connection during SET" % address)
                if reply.lstrip(done) != b"":
                    raise servers.Failure("%s: answers %r to SET" % (address, reply[:80]))
                left -= len(reply)


def estimate(settings, suite, rows):
    """Returns the number of slices that the rows will take, with the servers that may be missing."""
    total = 0
    for row in rows:
        count = len(table.servers_of(row, suite.peers))
        if row.kind in ("idle", "keys"):
            total += settings.memory_runs * count
        else:
            total += slices_of(settings, count)
    return total
