"""Counts the system calls and context switches of a server while it answers a number of requests.

These counts do not depend on the speed of the machine. perf counts system calls where the kernel permits it, else
strace. Context switches come from /proc. Counting slows the server down, so it has a slice of its own.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

ATTACH_SECONDS = 5
DETACH_SECONDS = 10


def parse_perf(text):
    """Returns the count in the output of `perf stat -x ;`, or None if there is none."""
    for line in text.splitlines():
        fields = line.split(";")
        if len(fields) > 2 and fields[2].startswith("raw_syscalls:sys_enter") and fields[0].isdigit():
            return int(fields[0])
    return None


def parse_strace(text):
    """Returns the total of the table of `strace -c`, or None if there is none."""
    match = re.search(r"^\s*100\.00\s+\S+\s+(?:\S+\s+)?(\d+)(?:\s+\d+)?\s+total$", text, re.MULTILINE)
    return int(match[1]) if match else None


def parse_switches(text):
    """Returns the number of context switches in the text of a /proc/PID/task/TID/status."""
    return sum(int(count) for count in re.findall(r"^(?:non)?voluntary_ctxt_switches:\s*(\d+)$", text, re.MULTILINE))


def switches(pid):
    """Returns the number of context switches of all threads of a process."""
    total = 0
    directory = "/proc/%d/task" % pid
    for thread in os.listdir(directory):
        try:
            with open(os.path.join(directory, thread, "status"), encoding="ascii", errors="replace") as status:
                total += parse_switches(status.read())
        except (FileNotFoundError, ProcessLookupError):
            pass  # The thread has ended.
    return total


def _perf_is_attached(tracer, _pid):
    directory = "/proc/%d/fd" % tracer
    for name in os.listdir(directory):
        try:
            if "perf_event" in os.readlink(os.path.join(directory, name)):
                return True
        except FileNotFoundError:
            pass
    return False


def _strace_is_attached(tracer, pid):
    with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as status:
        return ("TracerPid:\t%d\n" % tracer) in status.read()


_TRACERS = {
    "perf": (
        lambda pid, out: ["perf", "stat", "-x", ";", "-e", "raw_syscalls:sys_enter", "-o", out, "-p", str(pid)],
        _perf_is_attached,
        parse_perf,
    ),
    "strace": (
        lambda pid, out: ["strace", "-c", "-f", "-qq", "-o", out, "-p", str(pid)],
        _strace_is_attached,
        parse_strace,
    ),
}


class Tracer:
    """Counts the system calls of a process with perf or strace; a context manager."""

    def __init__(self, name, pid):
        self.words, self.is_attached, self.parse = _TRACERS[name]
        self.pid = pid
        self.directory = tempfile.TemporaryDirectory(prefix="evnet-counters-")
        self.out = os.path.join(self.directory.name, "out")
        self.process = None

    def __enter__(self):
        """Attaches. Afterwards `attached` is False if the kernel refused it."""
        self.process = subprocess.Popen(
            self.words(self.pid, self.out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.attached = self._await(lambda: self.is_attached(self.process.pid, self.pid))
        return self

    def _await(self, condition):
        deadline = time.monotonic() + ATTACH_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                if condition():
                    return True
            except OSError:
                pass
            time.sleep(0.01)
        return False

    def count(self):
        """Detaches. Returns the number of system calls, or None."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(DETACH_SECONDS)
            with open(self.out, encoding="ascii", errors="replace") as out:
                return self.parse(out.read())
        except (OSError, subprocess.TimeoutExpired):
            return None

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.directory.cleanup()


def measure(pid, work):
    """Counts during work(), which returns a number of requests. It runs once without a tracer, and once with one.

    Returns: a dictionary: `switches` for each request, and `syscalls` if the kernel permits to count them.
    """
    # Without a tracer, because strace stops the process twice for each system call.
    before = switches(pid)
    counts = {"switches": per_request(work, lambda: switches(pid) - before)}
    for name in _TRACERS:
        if not shutil.which(name):
            continue
        with Tracer(name, pid) as tracer:
            calls = per_request(work, tracer.count) if tracer.attached else None
        if calls is not None:
            counts["syscalls"] = calls
            break
    return counts


def per_request(work, count):
    requests = work()
    total = count()
    return None if total is None else total / requests
