"""Finds, and for Go and Rust builds, the programs that compare.py runs.

A program has one of these names:

  //PACKAGE:TARGET   a program of this repository, from the outputs of Bazel
  NAME.sh            a script of benchmarks/peers, which runs the system's program NAME
  go                 benchmarks/peers/go, built by go
  cargo              benchmarks/peers/rust, built by cargo
"""

import os
import re
import shutil
import subprocess

GO_MIN = (1, 21)
BUILD_SECONDS = 600


class Missing(Exception):
    """The program is not there; the text is the reason."""


def parse_go_version(text):
    """Returns the version in the output of `go version` as a pair of numbers, or None."""
    match = re.search(r"\bgo(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else None


def cargo_version_of(lock, package):
    """Returns the version of a package in the text of a Cargo.lock, or None."""
    match = re.search(r'^name = "%s"\nversion = "([^"]+)"$' % re.escape(package), lock, re.MULTILINE)
    return match[1] if match else None


def first_version(text):
    """Returns the first version number in the output of a program, or None."""
    match = re.search(r"\d+\.\d+(?:\.\d+)?", text)
    return match[0] if match else None


def run(words, **options):
    """Runs a command. Returns its output with stderr; raises Missing if it fails."""
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=BUILD_SECONDS,
            check=False,
            **options,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing("%s: %s" % (words[0], error)) from error
    text = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        last = text.strip().splitlines()[-1:] or ["no output"]
        raise Missing("`%s` fails: %s" % (" ".join(words[:2]), last[0]))
    return text


def require_go():
    """Returns the version of Go; raises Missing if there is none, or an old one."""
    if not shutil.which("go"):
        raise Missing("go is not installed")
    # Without it, an old go would download the toolchain that go.mod asks for.
    version = parse_go_version(run(["go", "version"], env={**os.environ, "GOTOOLCHAIN": "local"}))
    if version is None or version < GO_MIN:
        raise Missing("go is older than %d.%d" % GO_MIN)
    return version


class Programs:
    """The programs of one run.

    outputs   the directory with the outputs of Bazel: bazel-bin, or the runfiles of `bazel run`.
    source    the root of the repository.
    """

    def __init__(self, outputs, source):
        self.outputs = outputs
        self.peers = os.path.join(source, "benchmarks", "peers")
        home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        self.cache = os.path.join(home, "evnet-compare")
        self.found = {}

    def path(self, name):
        """Returns the path of a program; raises Missing. It builds a program only once."""
        if name not in self.found:
            try:
                self.found[name] = self._find(name)
            except Missing as missing:
                self.found[name] = missing
        if isinstance(self.found[name], Missing):
            raise self.found[name]
        return self.found[name]

    def _find(self, name):
        if name == "go":
            return self._build_go()
        if name == "cargo":
            return self._build_cargo()
        if name.endswith(".sh"):
            return self._find_script(name)
        return self._find_output(name)

    def _find_output(self, label):
        path = os.path.join(self.outputs, label.lstrip("/").replace(":", "/"))
        if not os.access(path, os.X_OK):
            raise Missing("%s is not built" % label)
        return path

    def _find_script(self, name):
        tool = {"redis.sh": "redis-server"}.get(name, name[: -len(".sh")])
        # Debian's directory of daemons is not in the PATH of a user.
        if not shutil.which(tool) and not shutil.which(tool, path="/usr/sbin"):
            raise Missing("%s is not installed" % tool)
        return os.path.join(self.peers, name)

    def _build_go(self):
        require_go()
        path = os.path.join(self.cache, "go_peers")
        run(
            ["go", "build", "-o", path, "."],
            cwd=os.path.join(self.peers, "go"),
            env={**os.environ, "GOTOOLCHAIN": "local"},
        )
        return path

    def _build_cargo(self):
        if not shutil.which("cargo"):
            raise Missing("cargo is not installed")
        target = os.path.join(self.cache, "rust")
        run(
            ["cargo", "build", "--release", "--locked", "--quiet", "--target-dir", target],
            cwd=os.path.join(self.peers, "rust"),
        )
        return os.path.join(target, "release", "tokio_echo")

    def versions(self):
        """Returns the name and version of what the programs found so far contain."""
        versions = {}
        for name, path in self.found.items():
            if not isinstance(path, Missing):
                versions.update(self._versions_of(name, path))
        return versions

    def _versions_of(self, name, path):
        daemons = {
            "nginx.sh": ("nginx", ["/usr/sbin/nginx", "-v"]),
            "redis.sh": ("redis-server", ["redis-server", "--version"]),
            "haproxy.sh": ("haproxy", ["/usr/sbin/haproxy", "-v"]),
        }
        if name in daemons:
            tool, words = daemons[name]
            words[0] = shutil.which(tool) or words[0]
            return {tool: first_version(run(words))}
        if name == "go":
            return dict(line.split(" ", 1) for line in run([path, "-version"]).splitlines())
        if name == "cargo":
            with open(os.path.join(self.peers, "rust", "Cargo.lock"), encoding="utf-8") as lock:
                return {"tokio": cargo_version_of(lock.read(), "tokio")}
        if name.startswith("//benchmarks/peers:"):
            return dict([run([path, "--version"]).strip().split(" ", 1)])
        return {}
