"""Measures servers in turn: the part that pair.py and suite.py share. README.md explains the method."""

import collections
import contextlib
import json
import select
import shlex
import statistics
import subprocess
import tempfile

import servers

CONTROL_MAX = 0.03
# Fewer rounds are for experiments only, not for quoted results.
PAIRS_QUOTABLE = 15
# The server was the limit if it was this busy; only then are its requests/s meaningful.
BUSY_MIN = 0.95

PERCENTILES = ("p50_us", "p90_us", "p99_us", "p999_us")

# seconds: of each server in a round, divided into slices.
Method = collections.namedtuple("Method", "pairs seconds slice_seconds warmup_seconds server_cpus load_cpus")
Sample = collections.namedtuple("Sample", ("cpu_us", "rate", "busy", *PERCENTILES, "lost", "overdue"))


class Load:
    """A load generator that is connected to a server and runs on demand; a context manager.

    words   the command of the load and its options, without those of the method.
    """

    def __init__(self, words, method, server):
        self.server = server
        self.words = [
            *words,
            "--on-demand",
            "--json",
            "--server-pid=%d" % server.pid,
            "--seconds=%g" % method.slice_seconds,
            "--warmup=%g" % method.warmup_seconds,
            server.address,
        ]
        # The load limits its own time: 30 s to connect, 10 s without a reply.
        self.limit = method.slice_seconds + method.warmup_seconds + 60
        self.stderr = tempfile.TemporaryFile()
        try:
            self.process = subprocess.Popen(
                self.words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.stderr,
                preexec_fn=servers.child_setup(method.load_cpus),
            )
        except OSError as error:
            raise servers.Failure("%s: %s" % (words[0], error)) from error

    def run(self):
        """Runs one window. Returns the load's report."""
        line = b""
        try:
            self.process.stdin.write(b"\n")
            self.process.stdin.flush()
            if not select.select([self.process.stdout], [], [], self.limit)[0]:
                raise servers.Failure("%s: hangs" % shlex.join(self.words))
            line = self.process.stdout.readline()
        except BrokenPipeError:
            pass
        self.server.check()
        if not line:
            self.stderr.seek(0)
            words = self.stderr.read(2000).decode(errors="replace").strip()
            raise servers.Failure(self.server.told(words or "the load failed"))
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        try:
            self.process.stdin.close()
            if kind is None:
                self.process.wait(self.limit)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            pass
        finally:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.stderr.close()


def sample_of(results):
    """Returns one sample, computed from all slices of a round."""
    cpu_ns, requests, window_ns, lost, overdue = (
        sum(result[key] for result in results)
        for key in ("server_cpu_ns", "requests", "window_ns", "lost", "overdue")
    )
    if requests == 0:
        raise servers.Failure("no request was done in a whole round")
    return Sample(
        cpu_us=cpu_ns / 1e3 / requests,
        rate=requests / (window_ns / 1e9),
        busy=cpu_ns / window_ns,
        **{key: statistics.median(result[key] for result in results) for key in PERCENTILES},
        lost=lost,
        overdue=overdue,
    )


def measure_round(method, commands, words, order):
    """Runs one round. Returns a sample of each server, from alternating slices of time.

    commands   the command of each server, by name.
    words      the command of the load, as for Load.
    order      the names, in the order of their slices.
    """
    results = {name: [] for name in order}
    with contextlib.ExitStack() as stack:
        loads = {}
        for name in order:
            server = stack.enter_context(servers.Server(commands[name], method.server_cpus))
            loads[name] = stack.enter_context(Load(words, method, server))
        for _ in range(max(1, round(method.seconds / method.slice_seconds))):
            for name in order:
                results[name].append(loads[name].run())
    return {name: sample_of(results[name]) for name in order}


def rotated(names, i):
    """Returns the order of round i. Each server has each position equally often, so effects of the position cancel out."""
    i %= len(names)
    return names[i:] + names[:i]


def quartiles(values):
    """Returns the lower quartile, the median and the upper quartile."""
    return statistics.quantiles(values, n=4, method="inclusive")


def pair_ratios(numerators, denominators):
    """Returns the quartiles of the ratios of pairs of numbers."""
    return quartiles([n / d for n, d in zip(numerators, denominators)])
