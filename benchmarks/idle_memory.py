#!/usr/bin/env python3
"""Measures the user memory of a server for each idle connection.

  benchmarks/idle_memory.py --server 'bazel-bin/examples/echo/echo tcp://127.0.0.1:0' \\
      --load bazel-bin/benchmarks/load/load --bar 128

Starts the server, reads its resident memory, has the load open and hold the connections (each has
echoed one request), and reads it again. The memory of the kernel for a socket is not included.

Exit code: 0; 1 if the result is above the bar; 2 for an invalid argument; 4 if the run failed.
"""

import argparse
import os
import select
import subprocess
import sys
import tempfile
import time

import servers

EXIT_ABOVE_BAR = 1
EXIT_FAILED = 4

# Opened and closed before the first reading: pages of code and of libc that the first connections touch
# belong to the program, not to a connection.
PRELUDE_CONNECTIONS = 16
# The largest number of descriptors that a server may open for its own use after it listens.
OWN_DESCRIPTORS_MAX = 8
OPEN_SECONDS = 120
SETTLE_SECONDS = 10


def memory_bytes(pid):
    """Returns the resident memory and its anonymous part (heap and stacks), from smaps_rollup (proc(5))."""
    values = {}
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as rollup:
        for line in rollup:
            words = line.split()
            if len(words) == 3 and words[2] == "kB":
                values[words[0]] = int(words[1]) * 1024
    return values["Rss:"], values["Anonymous:"]


def descriptors(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


class Holder:
    """Runs `load --mode=idle`; a context manager that holds the connections open."""

    def __init__(self, arguments, server, connections):
        self.words = [
            arguments.load,
            "--mode=idle",
            "--connections=%d" % connections,
            "--payload=%d" % arguments.payload,
            server.address,
        ]
        self.stderr = tempfile.TemporaryFile()
        try:
            self.process = subprocess.Popen(
                self.words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.stderr,
                preexec_fn=servers.child_setup(None),
            )
        except OSError as error:
            raise servers.Failure("%s: %s" % (arguments.load, error)) from error

    def _fail(self, what):
        self.stderr.seek(0)
        words = self.stderr.read(2000).decode(errors="replace").strip()
        raise servers.Failure("%s: %s" % (what, words) if words else what)

    def __enter__(self):
        try:
            if not select.select([self.process.stdout], [], [], OPEN_SECONDS)[0]:
                self._fail("the load does not hold its connections within %d s" % OPEN_SECONDS)
            if not self.process.stdout.readline().startswith(b"holding "):
                self._fail("the load failed")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind, value, trace):
        try:
            self.process.stdin.close()
            if kind is None and self.process.wait(OPEN_SECONDS) != 0:
                self._fail("the load failed while it held")
        except subprocess.TimeoutExpired:
            self._fail("the load does not end")
        finally:
            self._end()

    def _end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def await_closed(server, descriptors_before):
    """Waits until the server has closed the connections."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        server.check()
        extra = descriptors(server.pid) - descriptors_before
        if extra <= OWN_DESCRIPTORS_MAX:
            return
        if time.monotonic() > deadline:
            raise servers.Failure(
                "%d more descriptors than at first are open %d s after all clients left"
                % (extra, SETTLE_SECONDS)
            )
        time.sleep(0.01)


def measure(arguments, server):
    """Returns memory_bytes before the connections are opened, while they are held, and after."""
    descriptors_before = descriptors(server.pid)
    with Holder(arguments, server, PRELUDE_CONNECTIONS):
        pass
    await_closed(server, descriptors_before)
    before = memory_bytes(server.pid)
    with Holder(arguments, server, arguments.connections):
        while_held = memory_bytes(server.pid)
        held = descriptors(server.pid) - descriptors_before
    await_closed(server, descriptors_before)
    after = memory_bytes(server.pid)
    if held < arguments.connections:
        raise servers.Failure("only %d connections were open in the server" % held)
    return before, while_held, after


def report(arguments, before, while_held, after):
    """Prints the figures. Returns the exit code."""
    print(
        "%d connections, each after one echo of %d bytes"
        % (arguments.connections, arguments.payload)
    )
    for name, i in (("resident", 0), ("anonymous", 1)):
        each = (while_held[i] - before[i]) / arguments.connections
        print(
            "%-9s  before %8d KiB  held %8d KiB  after %8d KiB  %7.1f bytes/connection"
            % (name, before[i] >> 10, while_held[i] >> 10, after[i] >> 10, each)
        )
    if arguments.bar is None:
        return 0
    good = (while_held[0] - before[0]) / arguments.connections <= arguments.bar
    print("bar        %.0f bytes resident: %s" % (arguments.bar, "met" if good else "MISSED"))
    return 0 if good else EXIT_ABOVE_BAR


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--server", required=True, metavar="COMMAND")
    parser.add_argument("--load", required=True, metavar="PATH", help="the load generator")
    parser.add_argument("--connections", type=int, default=10000, help="default 10000")
    parser.add_argument("--payload", type=int, default=64, help="bytes of the one request, default 64")
    parser.add_argument("--bar", type=float, help="the largest acceptable number of resident bytes for each connection")
    arguments = parser.parse_args()
    try:
        with servers.Server(arguments.server) as server:
            figures = measure(arguments, server)
        return report(arguments, *figures)
    except servers.Failure as failure:
        print("idle_memory.py: %s" % failure, file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
