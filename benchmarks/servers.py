"""Starts and stops the servers that compare.py and idle_memory.py measure.

It stops only processes that it started, each by its pid. None outlives the script, because the kernel kills
them when the script dies (PR_SET_PDEATHSIG).
"""

import ctypes
import itertools
import os
import random
import re
import select
import shlex
import signal
import socket
import subprocess
import tempfile
import time

# Below the ephemeral range (32768 and up), so that no client uses a port of a listener.
PORTS = range(20000, 30000)
START_SECONDS = 10
STOP_SECONDS = 10

_PR_SET_PDEATHSIG = 1
_serials = itertools.count()
_libc = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """A server or the load failed; the text names it and the reason."""


def free_port():
    """Returns a port that is free for TCP and UDP."""
    for _ in range(100):
        port = random.choice(PORTS)
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as probe:
                    if kind == socket.SOCK_STREAM:
                        # As servers do. Otherwise ports in TIME_WAIT would count as in use.
                        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", port))
            return port
        except OSError:
            continue
    raise Failure("no free port from %d to %d" % (PORTS.start, PORTS.stop - 1))


def child_setup(cpus):
    """Returns a function that the child calls before exec: it sets the CPUs, and the signal for the parent's death."""

    def setup():
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if cpus:
            os.sched_setaffinity(0, cpus)

    return setup


def command_words(command):
    """Splits a command and gives it unused addresses, so that several can run simultaneously.

    Each `scheme://host:0`, and `{port}` anywhere, gets a free port; a `unix://` name gets a suffix.
    """
    port = str(free_port())
    words = []
    for word in shlex.split(command):
        word = re.sub(r"^((?:tcp|udp)[46]?://.*):0$", lambda match: match[1] + ":" + port, word)
        if word.startswith("unix://"):
            word = "%s.%d.%d" % (word, os.getpid(), next(_serials))
        words.append(word.replace("{port}", port))
    return words


class Server:
    """A server process, from its `listening on ADDRESS` line to its exit; a context manager."""

    def __init__(self, command, cpus=None):
        self.command = command
        self.words = command_words(command)
        self.stderr = tempfile.TemporaryFile()
        # For the files of the server. It exists until the server has ended.
        self.directory = tempfile.TemporaryDirectory(prefix="evnet-compare-")
        try:
            self.process = subprocess.Popen(
                self.words,
                env={**os.environ, "TMPDIR": self.directory.name},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self.stderr,
                preexec_fn=child_setup(cpus),
            )
        except OSError as error:
            raise Failure("%s: %s" % (command, error)) from error
        self.pid = self.process.pid
        try:
            self.address = self._await_address()
        except BaseException:
            self._end()
            raise

    def _await_address(self):
        deadline = time.monotonic() + START_SECONDS
        text = b""
        pipe = self.process.stdout.fileno()
        while True:
            match = re.search(rb"^listening on (\S+)\n", text, re.MULTILINE)
            if match:
                address = match[1].decode()
                # A client cannot connect to a wildcard.
                return address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                raise Failure(self.told("does not say `listening on` within %d s" % START_SECONDS))
            piece = os.read(pipe, 4096)
            if not piece:
                raise Failure(self.told("ended before it listened"))
            text += piece

    def told(self, what):
        """Returns an error text: the command, the error, and the output of the server."""
        self.stderr.seek(0)
        words = self.stderr.read(2000).decode(errors="replace").strip()
        return "%s: %s%s" % (shlex.join(self.words), what, "\n" + words if words else "")

    def check(self):
        """Raises Failure if the server has exited."""
        if self.process.poll() is not None:
            raise Failure(self.told("died, exit code %d" % self.process.returncode))

    def _end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.directory.cleanup()

    def stop(self):
        """Stops the server. Raises Failure if it does not exit, or had exited before."""
        try:
            self.check()
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                raise Failure(self.told("does not end within %d s of SIGTERM" % STOP_SECONDS))
            if self.process.returncode not in (0, -signal.SIGTERM):
                raise Failure(self.told("exit code %d" % self.process.returncode))
        finally:
            self._end()
            self.stderr.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.stop()
        else:
            self._end()
