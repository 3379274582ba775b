"""The machine that a measurement runs on: its CPUs, its kernel, its distribution."""

import argparse
import os
import platform
import re


def parse_cpus(text):
    """Parses a list of CPUs, for argparse. Returns a set."""
    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise argparse.ArgumentTypeError("%r is not a list of CPUs, such as 0 or 0,1" % text)
    cpus = {int(word) for word in text.split(",")}
    if not cpus <= os.sched_getaffinity(0):
        raise argparse.ArgumentTypeError("CPU %s cannot be used by this process" % text)
    return cpus


def cpu_list(cpus):
    return ",".join(str(cpu) for cpu in sorted(cpus))


def add_cpu_options(parser):
    """Adds --server-cpu and --load-cpu. On a single core, the server and the load share it."""
    cpus = sorted(os.sched_getaffinity(0))[:2]
    for name, cpu in (("--server-cpu", cpus[0]), ("--load-cpu", cpus[-1])):
        parser.add_argument(name, type=parse_cpus, default=str(cpu), help="default %(default)s")


def cpu_model():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as cpuinfo:
        for line in cpuinfo:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def is_virtual():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as cpuinfo:
        return " hypervisor" in cpuinfo.read()


def distribution():
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError, AttributeError):
        return platform.system()


def describe():
    """Returns what a record says about the machine."""
    return {
        "cpu": cpu_model(),
        "cpus": os.cpu_count(),
        "virtual": is_virtual(),
        # Without the suffix of the build: 6.1.0-18-amd64 is Linux 6.1.0.
        "kernel": "%s %s" % (platform.system(), platform.release().split("-")[0]),
        "system": distribution(),
    }
