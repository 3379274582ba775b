#!/usr/bin/env python3
"""Mutation testing in a copy of the tree: tools/mutants.py DIR [PATH...]

Plants slips, which are typical mistakes of an engineer, and reports which of them the tests detect. A slip is a
negated condition, a limit that is off by one, a call, count or flag that is left out, two swapped statements, or
another errno. One build contains all selected slips; EVNET_MUTANT enables one of them, or none. Each test first runs
without a slip, which shows how long it takes and which slips it reaches. Then each slip is tried with the tests that
reach it, until one of them fails twice. A test that takes too long has failed.

DIR holds the copy, and the state with which an interrupted run continues. PATH is a prefix that limits the files.
tools/mutants_equivalent.txt lists slips that no test can detect, each with the reason; they do not count.
"""

import argparse
import concurrent.futures
import ctypes
import fcntl
import glob
import json
import os
import random
import re
import resource
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree

import mutants_c

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EQUIVALENT = os.path.join(ROOT, "tools", "mutants_equivalent.txt")
LAYERS = ["//net/%s" % layer for layer in ("base", "buffer", "poller", "reactor", "balancer", "server")]
SEEN_BYTES = 65536
BUILD_AT_ONCE = 40  # tests in one build: shorter builds, so that a --prefix command that waits for its turn waits less
FOR_TESTS = r"(_test\.cc|BUILD\.bazel|\.bzl)$|/testing/|^fuzz/"
NOT_RUN, KILLED, SURVIVED = "not run", "killed", "survived"


def output_of(arguments, directory):
    run = subprocess.run(arguments, cwd=directory, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return run.stdout


def without_path(name):
    """Returns the name without its file, because results stay valid if a function moves to another file."""
    return name.split(" ", 1)[1]


def equivalents():
    """Returns the slips that change no behaviour, without their files. A line that begins with a blank is a reason."""
    if not os.path.exists(EQUIVALENT):
        return set()
    with open(EQUIVALENT, encoding="utf-8") as file:
        return {line.rstrip("\n") for line in file if line.strip() and line[0] not in "# "}


# Planting


def sources(directory, paths):
    """Returns the C files of net/ that this system builds, without test helpers."""
    query = "kind('source file', deps(%s))" % " + ".join(LAYERS)
    labels = output_of(["bazel", "cquery", query, "--output=label"], directory)
    files = re.findall(r"^//(net/\S+\.c) ", labels.replace(":", "/"), re.MULTILINE)
    return sorted(f for f in files if not paths or f.startswith(tuple(paths)))


def compiles(directory, path, text):
    arguments = "gcc -std=c11 -D_GNU_SOURCE -w -fsyntax-only -I. -x c -".split()
    # The compiler finds headers in the file's own directory by their paths from the root.
    run = subprocess.run(arguments, cwd=directory, input=text, text=True, stderr=subprocess.DEVNULL, check=False)
    return run.returncode == 0


def draw(options, directory):
    """Selects slips at random. Omits slips that do not compile or that overlap with another slip."""
    parsed, everything = {}, []
    skipped = equivalents()
    for path in sources(directory, options.paths):
        with open(os.path.join(directory, path), encoding="utf-8") as file:
            parsed[path] = mutants_c.Source(path, file.read())
        everything += parsed[path].slips
    if not options.paths:
        for name in sorted(skipped - {without_path(slip.name) for slip in everything}):
            print("listed as equivalent, and no slip any more: %s" % name)
    everything = [slip for slip in everything if without_path(slip.name) not in skipped]
    if options.only:
        everything = [s for s in everything if any(part in s.name for part in options.only)]
    random.Random(options.seed).shuffle(everything)
    chosen, count = {}, 0
    for slip in everything:
        if count == options.count:
            break
        path = slip.name.split(" ")[0]
        here = chosen.setdefault(path, [])
        slip.number = count + 1
        if any(mutants_c.overlap(slip, other) for other in here):
            continue
        if not compiles(directory, path, parsed[path].plant([slip])):
            continue
        here.append(slip)
        count += 1
    slips = []
    for path, here in sorted(chosen.items()):
        if not here:
            continue
        with open(os.path.join(directory, path), "w", encoding="utf-8") as file:
            file.write(parsed[path].plant(here))
        for slip in here:
            slips.append({"number": slip.number, "name": slip.name, "kind": slip.kind, "path": path,
                          "line": parsed[path].line(slip), "status": NOT_RUN, "by": ""})
    print("%d slips of %d possible ones, in %d files" % (count, len(everything), len(chosen)))
    return sorted(slips, key=lambda slip: slip["number"])


def copy_tree(directory, wanted=""):
    """Copies the files that match `wanted`: those in git, those that `git add` would add, and user.bazelrc."""
    names = output_of(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], ROOT).split("\0")
    for name in names + ["user.bazelrc"]:
        source, target = os.path.join(ROOT, name), os.path.join(directory, name)
        if name and os.path.isfile(source) and re.search(wanted, name):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(source, target)


# Tests


def list_tests(directory, patterns, without):
    """Returns the short tests, with the data to run each of them without Bazel."""
    query = "kind('(cc|again)_test rule', %s) except attr(tags, '\\b(manual|benchmark)\\b', //...)" % " + ".join(patterns)
    root = xml.etree.ElementTree.fromstring(output_of(["bazel", "query", query, "--output=xml"], directory))
    tests = []
    for rule in root.iter("rule"):
        label = rule.get("name")
        if without and re.search(without, label):
            continue
        package, name = label[2:].split(":")
        variables = {}
        for dictionary in rule.iter("dict"):
            if dictionary.get("name") in ("variables", "env"):
                for pair in dictionary.iter("pair"):
                    key, value = (part.get("value") for part in pair)
                    variables[key] = value
        corpus = os.path.join(directory, package, "corpus", name)
        arguments = [corpus] if os.path.isdir(corpus) else []
        tests.append({"label": label, "path": os.path.join(package, name), "variables": variables,
                      "arguments": arguments})
    return tests


LIBC = ctypes.CDLL(None, use_errno=True)  # loaded here, because a forked child of a process with threads must not load libraries


def isolate():
    """Called in the child: enters a new network namespace with a loopback interface, and sets limits."""
    new_user, new_net = 0x10000000, 0x40000000
    if LIBC.unshare(new_net if os.geteuid() == 0 else new_user | new_net) == 0:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
            up_and_running = struct.pack("16sh", b"lo", 0x1 | 0x40)
            fcntl.ioctl(handle, 0x8914, up_and_running)  # SIOCSIFFLAGS
    resource.setrlimit(resource.RLIMIT_AS, (32 << 30, 32 << 30))
    resource.setrlimit(resource.RLIMIT_DATA, (8 << 30, 8 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Runner:
    """Runs tests of the copy."""

    def __init__(self, options, directory):
        self.prefix = shlex.split(options.prefix)
        self.directory = directory
        self.bin = os.path.join(directory, "bazel-bin")

    def run(self, test, number, seconds, seen=None):
        """Returns (status, output). The status is 0 if the test passed, None if it took too long."""
        # A short path, because the paths of Unix sockets are limited.
        temporary = os.path.join("/tmp", "evnet_mutants_%d_%d" % (os.getpid(), threading.get_native_id()))
        shutil.rmtree(temporary, ignore_errors=True)
        os.makedirs(temporary)
        runfiles = os.path.join(self.bin, test["path"] + ".runfiles", "evnet")
        directory = runfiles if os.path.isdir(runfiles) else self.directory
        environment = {"PATH": os.environ["PATH"], "HOME": temporary, "TEST_TMPDIR": temporary,
                       "GTEST_FAIL_FAST": "1", "GTEST_BRIEF": "1", "EVNET_MUTANT": str(number)}
        environment.update(test["variables"])
        if seen:
            environment["EVNET_MUTANT_SEEN"] = seen
        # The time that the prefix waits must not count as the test's.
        command = self.prefix + ["timeout", "--signal=KILL", str(seconds), os.path.join(self.bin, test["path"])]
        child = subprocess.Popen(
            command + test["arguments"], cwd=directory, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=isolate, start_new_session=True)
        kept = []
        reader = threading.Thread(target=self._read, args=(child.stdout, kept))
        reader.start()
        status = child.wait()
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        reader.join(5)
        shutil.rmtree(temporary, ignore_errors=True)
        return None if status in (-signal.SIGKILL, 128 + signal.SIGKILL) else status, b"".join(kept).decode(errors="replace")

    @staticmethod
    def _read(pipe, kept):
        """Reads all output and keeps only its beginning, because a test with a slip may print endlessly."""
        for block in iter(lambda: pipe.read1(65536), b""):
            if len(kept) < 64:
                kept.append(block)


def claim_of(output):
    """Returns the name of the GoogleTest test that failed, if the output has it."""
    failed = re.findall(r"\[  FAILED  \] (\w[\w/]*\.[\w/]+)", output)
    if not failed:
        failed = re.findall(r"\[ RUN      \] (\S+)", output)[-1:]
    return failed[0] if failed else ""


def run_without_slip(runner, test, directory):
    """Returns whether the test passes, how long it takes, and which slips it reaches."""
    seen = os.path.join(directory, "seen_%d" % threading.get_native_id())
    with open(seen, "wb") as file:
        file.truncate(SEEN_BYTES)
    subprocess.run(runner.prefix + ["true"], check=True)
    begin = time.monotonic()
    status, output = runner.run(test, 0, 300, seen)
    seconds = time.monotonic() - begin
    if status != 0:
        print("%s fails without a slip and is left out\n%s" % (test["label"], output[-2000:]), flush=True)
    with open(seen, "rb") as file:
        reached = [number for number, byte in enumerate(file.read()) if byte]
    return {"passes": status == 0, "seconds": seconds, "seen": reached}


def in_parallel(jobs, function, items):
    pool = concurrent.futures.ThreadPoolExecutor(jobs)
    try:
        list(pool.map(function, items))
    finally:
        pool.shutdown(cancel_futures=True)  # after an interrupt, running ones finish


class Killers:
    """The order of the tests: first those that detected slips in the same file, then nearby ones, then short ones."""

    def __init__(self):
        self.kills = {}

    def add(self, path, label):
        self.kills[path, label] = self.kills.get((path, label), 0) + 1

    def order(self, slip, tests):
        directory = os.path.dirname(slip["path"]).replace("/internal", "")

        def key(test):
            near = test["label"].startswith("//%s:" % directory)
            kills = self.kills.get((slip["path"], test["label"]), 0)
            return (test["seconds"] + 0.05) * (1 if near else 4) / (1 + kills)

        return sorted((t for t in tests if slip["number"] in t["seen"]), key=key)


def fails(runner, test, slip):
    """Returns (whether it fails twice, how it failed)."""
    limit = 10 + 5 * test["seconds"]
    for _ in range(2):
        status, output = runner.run(test, slip["number"], limit)
        if status is None:
            return True, "too long"
        if status == 0:
            return False, ""
    return True, claim_of(output) or "exit code %d" % status


def attempt(runner, killers, tests, slip, seconds):
    """Tries one slip and returns the result. `seconds` limits the time of the tests, as measured without the slip."""
    spent, tried, skipped = 0, 0, 0
    for test in killers.order(slip, tests):
        if tried > 0 and spent + test["seconds"] > seconds:
            skipped += 1
            continue
        spent += test["seconds"]
        tried += 1
        failed, how = fails(runner, test, slip)
        if failed:
            return {"status": KILLED, "by": "%s %s" % (test["label"], how)}
    by = "after %d tests" % tried if tried else "no test reaches it"
    if skipped:
        by += ", without %d that would take longer than the limit" % skipped
    return {"status": SURVIVED, "by": by}


# The main program


def report(slips):
    skipped = equivalents()
    done = [s for s in slips if s["status"] == KILLED or
            (s["status"] == SURVIVED and without_path(s["name"]) not in skipped)]
    killed = [s for s in done if s["status"] == KILLED]
    for slip in done:
        if slip["status"] == SURVIVED:
            print("SURVIVED %d %s:%d %s (%s)" % (slip["number"], slip["path"], slip["line"],
                                                 slip["name"].split(" ", 1)[1], slip["by"]))
    print("\n%-8s %6s %6s" % ("kind", "tried", "killed"))
    for kind in sorted({s["kind"] for s in done}):
        print("%-8s %6d %6d" % (kind, sum(s["kind"] == kind for s in done), sum(s["kind"] == kind for s in killed)))
    share = 100.0 * len(killed) / max(1, len(done))
    print("%-8s %6d %6d  %.1f %%" % ("all", len(done), len(killed), share))
    return share


def save(path, state):
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(state, file, indent=1)
    os.replace(path + ".new", path)


def build(options, tree, tests):
    prefix = shlex.split(options.prefix)
    for i in range(0, len(tests), BUILD_AT_ONCE):
        labels = [test["label"] for test in tests[i : i + BUILD_AT_ONCE]]
        command = prefix + ["bazel", "build", "--per_file_copt=^net/.*\\.c$@-w", "--keep_going", *labels]
        subprocess.run(command, cwd=tree, check=True)


def prepare(options, state_path):
    """Makes a copy with slips, builds it and runs its tests once; continues with the state of an earlier run."""
    tree = os.path.join(options.directory, "tree")
    if not os.path.exists(state_path):
        shutil.rmtree(tree, ignore_errors=True)
        copy_tree(tree)
        state = {"slips": draw(options, tree), "tests": list_tests(tree, options.tests, options.without), "built": False}
        save(state_path, state)
    with open(state_path, encoding="utf-8") as file:
        state = json.load(file)
    if options.again:
        copy_tree(tree, FOR_TESTS)
        state.update(tests=list_tests(tree, options.tests, options.without), built=False)
    if not state["built"]:
        build(options, tree, state["tests"])
        state["built"] = True
        save(state_path, state)
    runner, lock = Runner(options, tree), threading.Lock()

    def run_and_save(test):
        result = run_without_slip(runner, test, options.directory)
        with lock:
            test.update(result)
            save(state_path, state)

    in_parallel(options.jobs, run_and_save, [test for test in state["tests"] if "passes" not in test])
    state["tests"] = [test for test in state["tests"] if test["passes"]]
    return state


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", help="the copy, outside the checkout")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="limits the files, such as net/server/dial.c")
    parser.add_argument("--seed", default=1, type=int)
    parser.add_argument("--count", default=150, type=int, help="largest number of slips (default 150)")
    parser.add_argument("--only", action="append", metavar="TEXT", help="only slips whose name contains TEXT")
    parser.add_argument("--tests", action="append", metavar="PATTERN", help="tests to run (default //net/... and //fuzz/...)")
    parser.add_argument("--seconds", default=120, type=float,
                        help="time for the tests of one slip; longer ones are left out (default 120)")
    parser.add_argument("--minimum", default=0, type=float, help="exit with 1 if the tests notice a smaller percentage")
    parser.add_argument("--prefix", default="", help="a command that runs each build and test")
    parser.add_argument("--without", metavar="REGEX", help="leave out tests whose labels match")
    parser.add_argument("--jobs", default=1, type=int, help="tests that run simultaneously (default 1)")
    parser.add_argument("--again", action="store_true", help="copy the tests again, and try the survivors on --tests")
    options = parser.parse_args()
    options.directory = os.path.abspath(options.directory)
    options.tests = options.tests or ["//net/...", "//fuzz/..."]
    if os.path.commonpath([options.directory, ROOT]) == ROOT:
        parser.error("'%s' is inside the checkout; choose another directory" % options.directory)
    if options.count >= SEEN_BYTES:
        parser.error("--count must be below %d" % SEEN_BYTES)
    return options


def main():
    options = parse()
    os.makedirs(options.directory, exist_ok=True)
    state_path = os.path.join(options.directory, "state.json")
    state = prepare(options, state_path)
    slips, tests, killers = state["slips"], state["tests"], Killers()
    runner = Runner(options, os.path.join(options.directory, "tree"))
    for slip in slips:
        if slip["status"] == KILLED:
            killers.add(slip["path"], slip["by"].split(" ")[0])
    left = [s for s in slips if s["status"] == (SURVIVED if options.again else NOT_RUN)]
    lock = threading.Lock()

    def try_one(slip):
        begin = time.monotonic()
        result = attempt(runner, killers, tests, slip, options.seconds)
        with lock:
            slip.update(result)
            if slip["status"] == KILLED:
                killers.add(slip["path"], slip["by"].split(" ")[0])
            print("%d/%d %s %s: %s (%.1f s)" % (slip["number"], len(slips), slip["status"], slip["name"], slip["by"],
                                                time.monotonic() - begin), flush=True)
            save(state_path, state)

    in_parallel(options.jobs, try_one, left)
    for leftover in glob.glob("/tmp/evnet_mutants_%d_*" % os.getpid()):
        shutil.rmtree(leftover, ignore_errors=True)
    return 0 if report(slips) >= options.minimum else 1


if __name__ == "__main__":
    sys.exit(main())
