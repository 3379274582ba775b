"""Compares two servers, which the command line names, by their CPU time per request, in turn, on pinned cores.

  benchmarks/compare.py \\
      --a 'bazel-bin/benchmarks/floor/floor_lt tcp://127.0.0.1:0' \\
      --b 'bazel-bin/examples/echo/echo tcp://127.0.0.1:0' \\
      --load bazel-bin/benchmarks/load/load \\
      --workload 50x64x1:1.05 --workload 50x64x16:1.10 --workload 50x65536x1:1.05

A is the denominator. Each round starts A, B and A' (a second A, the control) anew and gives them
slices of time in turn. README.md in this directory explains why, and how to read the output.
A server must print `listening on ADDRESS`; port 0 is replaced by a free one below 30000, as is
`{port}` anywhere in a command.

Exit code: 0; 1 if a bar is missed; 2 for an invalid argument; 3 if a control is off, so that the
run has to be repeated; 4 if a run failed.
"""

import argparse
import collections
import os
import platform
import re
import shlex
import statistics
import sys

import machine
import measure
import progress
import servers

EXIT_BAR_MISSED = 1
EXIT_CONTROL_OFF = 3
EXIT_FAILED = 4

Workload = collections.namedtuple("Workload", "text churn connections payload depth bar")


def parse_workload(text):
    match = re.fullmatch(r"((churn:)?(\d+)x(\d+)x(\d+))(?::(\d+(?:\.\d+)?))?", text)
    if not match:
        raise argparse.ArgumentTypeError(
            "%r is not [churn:]CONNECTIONSxPAYLOADxDEPTH[:BAR]" % text
        )
    connections, payload, depth = (int(match[i]) for i in (3, 4, 5))
    bar = float(match[6]) if match[6] else None
    return Workload(match[1], bool(match[2]), connections, payload, depth, bar)


def parse_arguments(words):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--a", required=True, metavar="COMMAND", help="the denominator")
    parser.add_argument("--b", required=True, metavar="COMMAND", help="the server to compare with A")
    parser.add_argument("--load", required=True, metavar="COMMAND", help="the load generator")
    parser.add_argument(
        "--workload",
        required=True,
        action="append",
        type=parse_workload,
        metavar="[churn:]CxPxD[:BAR]",
        help="connections x payload bytes x depth; BAR is the largest acceptable B/A",
    )
    parser.add_argument("--pairs", type=int, default=15, help="rounds (default 15)")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of each run in a round (default 1)")
    parser.add_argument(
        "--slice",
        action="append",
        type=float,
        metavar="SECONDS",
        help="length of a slice (default 0.05); if repeated, each workload runs once for each length",
    )
    parser.add_argument("--warmup", type=float, default=0.02, help="seconds before each run (default 0.02)")
    parser.add_argument(
        "--attempts", type=int, default=1, help="most runs of a workload whose control is off (default 1)"
    )
    machine.add_cpu_options(parser)
    arguments = parser.parse_args(words)
    arguments.slice = arguments.slice or [0.05]
    if arguments.pairs < 2 or arguments.attempts < 1:
        parser.error("--pairs must be at least 2, and --attempts at least 1")
    slices_good = all(0.01 <= length <= arguments.seconds for length in arguments.slice)
    if not slices_good or arguments.seconds > 60 or not 0 <= arguments.warmup <= 60:
        parser.error("--slice must be 0.01 to --seconds, --seconds at most 60, and --warmup 0 to 60")
    return arguments


def load_words(load, workload):
    """Returns the command of the load, without the options of the method."""
    return [
        *shlex.split(load),
        "--connections=%d" % workload.connections,
        "--payload=%d" % workload.payload,
        "--depth=%d" % workload.depth,
        *(["--mode=churn"] if workload.churn else []),
    ]


def measure_rounds(arguments, workload, slice_seconds, shown):
    """Returns the samples of A, B and A', with one of each for every round."""
    commands = {"A": arguments.a, "B": arguments.b, "A'": arguments.a}
    method = measure.Method(
        pairs=arguments.pairs,
        seconds=arguments.seconds,
        slice_seconds=slice_seconds,
        warmup_seconds=arguments.warmup,
        server_cpus=arguments.server_cpu,
        load_cpus=arguments.load_cpu,
    )
    words = load_words(arguments.load, workload)
    names = list(commands)
    samples = {name: [] for name in names}
    shown.show(workload.text)
    for i in range(arguments.pairs):
        measured = measure.measure_round(method, commands, words, measure.rotated(names, i))
        for name, sample in measured.items():
            samples[name].append(sample)
        shown.add(workload.text)
    shown.clear()
    return samples


def ratios(numerators, denominators):
    """Returns the quartiles of the ratios of the pairs."""
    return measure.pair_ratios([n.cpu_us for n in numerators], [d.cpu_us for d in denominators])


def median(samples, field):
    return statistics.median(getattr(sample, field) for sample in samples)


def print_server(name, samples):
    busy = median(samples, "busy")
    rate = "%.0f requests/s" % median(samples, "rate")
    if busy < measure.BUSY_MIN:
        rate += " (not the server's limit)"
    lost = sum(sample.lost for sample in samples)
    print(
        "  %-4s %8.3f us CPU/request, busy %3.0f %%, p50 %.0f us, p99 %.0f us, %s%s"
        % (
            name,
            median(samples, "cpu_us"),
            100 * busy,
            median(samples, "p50_us"),
            median(samples, "p99_us"),
            rate,
            ", %d lost" % lost if lost else "",
        )
    )


def report(workload, slice_seconds, samples):
    """Prints the figures of a workload. Returns its exit code."""
    saturated = all(median(samples[name], "busy") >= measure.BUSY_MIN for name in samples)
    print(
        "%s, slices of %g s%s" % (workload.text, slice_seconds, ", saturated" if saturated else "")
    )
    for name in samples:
        print_server(name, samples[name])
    low, ratio, high = ratios(samples["B"], samples["A"])
    print("  B/A  %8.3f  quartiles %.3f to %.3f" % (ratio, low, high))
    low, control, high = ratios(samples["A'"], samples["A"])
    holds = abs(control - 1) <= measure.CONTROL_MAX
    verdict = "holds" if holds else "repeat: control off by %.1f %%" % (100 * abs(control - 1))
    print("  A'/A %8.3f  quartiles %.3f to %.3f  %s" % (control, low, high, verdict), flush=True)
    if not holds:
        return EXIT_CONTROL_OFF
    if workload.bar is None:
        return 0
    good = ratio <= workload.bar
    print("  bar  %8.3f  %s" % (workload.bar, "met" if good else "MISSED"), flush=True)
    return 0 if good else EXIT_BAR_MISSED


def print_context(arguments):
    print("kernel %s, %s, %d CPUs" % (platform.release(), machine.cpu_model(), os.cpu_count()))
    print("load average %.2f %.2f %.2f" % os.getloadavg())
    pinned = (machine.cpu_list(arguments.server_cpu), machine.cpu_list(arguments.load_cpu))
    print("servers on CPU %s, load on CPU %s" % pinned)
    print("A = A' = %s" % arguments.a)
    print("B      = %s" % arguments.b)
    print(
        "%d rounds of %g s each, workloads are CONNECTIONSxBYTESxDEPTH"
        % (arguments.pairs, arguments.seconds),
        flush=True,
    )
    if arguments.pairs < measure.PAIRS_QUOTABLE:
        print("fewer than %d rounds: not to be quoted" % measure.PAIRS_QUOTABLE, flush=True)


def main(words):
    """Runs the comparison. Returns the exit code."""
    arguments = parse_arguments(words)
    print_context(arguments)
    codes = []
    runs = [(workload, length) for workload in arguments.workload for length in arguments.slice]
    try:
        with progress.Progress(len(runs) * arguments.pairs, "rounds") as shown:
            for workload, length in runs:
                for attempt in range(arguments.attempts):
                    if attempt > 0:
                        shown.total += arguments.pairs
                    samples = measure_rounds(arguments, workload, length, shown)
                    code = report(workload, length, samples)
                    if code != EXIT_CONTROL_OFF:
                        break
                codes.append(code)
    except servers.Failure as failure:
        print("compare.py: %s" % failure, file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_FAILED
    # A missed bar with a valid control takes precedence over a control that is off.
    return EXIT_BAR_MISSED if EXIT_BAR_MISSED in codes else max(codes)
