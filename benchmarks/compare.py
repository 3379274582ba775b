#!/usr/bin/env python3
"""Compares evnet with other servers: one command for every row of the table.

  bazel run -c opt //benchmarks:compare -- [--quick] [--only=echo,http,...] [--peer NAME=COMMAND]

The servers of a row run in turn on pinned cores, with a second copy of the base as the control. Servers that
are not installed are skipped by name. --list prints the rows and the servers. A row whose control holds is
saved in benchmarks/results/ROW.json, and docs/benchmarks.md and its charts are written anew from all files
there. With --quick, fewer pairs than 15, or --peer, everything goes to a new directory in /tmp instead, unless
--out is given.

With --a, --b and --load, it compares just these two commands: `compare.py --a=... --help` describes that.

Exit code: 0; 2 for an invalid argument; 3 if a control is off, so that the row has to be repeated; 4 if a row
failed.
"""

import argparse
import os
import subprocess
import sys
import tempfile

import charts
import document
import machine
import measure
import pair
import programs
import progress
import records
import servers
import suite
import table

EXIT_CONTROL_OFF = 3
EXIT_FAILED = 4

HERE = os.path.dirname(os.path.abspath(__file__))
# `bazel run` sets it; the script may also run from the source tree.
SOURCE = os.environ.get("BUILD_WORKSPACE_DIRECTORY") or os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


def default_outputs():
    """Returns the directory of Bazel's outputs: the runfiles if the load is there, else bazel-bin."""
    runfiles = os.path.dirname(HERE)
    in_runfiles = os.path.exists(os.path.join(runfiles, "benchmarks", "load", "load"))
    return runfiles if in_runfiles else os.path.join(SOURCE, "bazel-bin")


def rows_of(text):
    try:
        return table.select([name for name in text.split(",") if name])
    except KeyError as error:
        raise argparse.ArgumentTypeError("%s is neither a group nor a row; --list prints them" % error) from error


def peer_of(text):
    try:
        return table.parse_peer(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def parse_arguments(words):
    parser = argparse.ArgumentParser(
        prog="compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="3 pairs in slices of 0.1 s: not to be quoted")
    parser.add_argument("--only", type=rows_of, default=table.ROWS, metavar="NAMES", help="groups and rows, by comma")
    parser.add_argument(
        "--peer",
        action="append",
        type=peer_of,
        default=[],
        metavar="[PROTOCOL:]NAME=COMMAND",
        help="another server; {port}, {www} and {upstream} in COMMAND are replaced. It prints `listening on "
        "ADDRESS`. PROTOCOL is one of %s; default echo" % ", ".join(table.PROTOCOLS),
    )
    parser.add_argument("--list", action="store_true", help="print the rows and their servers, and exit")
    parser.add_argument("--report", action="store_true", help="write the documents from the saved results, and exit")
    parser.add_argument("--out", metavar="DIR", help="write results/ and docs/ there instead of into the repository")
    parser.add_argument("--bin", metavar="DIR", default=default_outputs(), help="the outputs of Bazel")
    parser.add_argument("--pairs", type=int, help="rounds (default 15)")
    parser.add_argument("--slice", type=float, metavar="SECONDS", help="of each server in a round (default 0.5)")
    parser.add_argument("--attempts", type=int, default=3, help="most runs of a row whose control is off (default 3)")
    machine.add_cpu_options(parser)
    arguments = parser.parse_args(words)
    arguments.pairs = arguments.pairs or (3 if arguments.quick else 15)
    arguments.slice = arguments.slice or (0.1 if arguments.quick else 0.5)
    if arguments.pairs < 2 or arguments.attempts < 1 or not 0.01 <= arguments.slice <= 60:
        parser.error("--pairs must be at least 2, --attempts at least 1, and --slice 0.01 to 60")
    return arguments


def settings_of(arguments):
    method = measure.Method(
        pairs=arguments.pairs,
        seconds=arguments.slice,
        slice_seconds=arguments.slice,
        warmup_seconds=0.02,
        server_cpus=arguments.server_cpu,
        load_cpus=arguments.load_cpu,
    )
    quick = arguments.quick
    return suite.Settings(
        method=method,
        attempts=1 if quick else arguments.attempts,
        idle_connections=500 if quick else suite.IDLE_CONNECTIONS,
        keys=20000 if quick else suite.KEYS,
        memory_runs=1 if quick else suite.MEMORY_RUNS,
    )


def is_quotable(arguments):
    return not arguments.quick and arguments.pairs >= measure.PAIRS_QUOTABLE and not arguments.peer


def places_of(arguments):
    """Returns the directories of the results and of the documents."""
    if arguments.out is None and (is_quotable(arguments) or arguments.report):
        return os.path.join(SOURCE, "benchmarks", "results"), os.path.join(SOURCE, "docs")
    out = arguments.out or tempfile.mkdtemp(prefix="evnet-compare-")
    return os.path.join(out, "results"), os.path.join(out, "docs")


def commit_of():
    """Returns the commit of the source tree, with `+` if the tree has changes; None without git."""
    generated = [":!docs/benchmarks*", ":!benchmarks/results"]
    try:
        git = ["git", "-C", SOURCE]
        commit = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, check=True)
        status = [*git, "status", "--porcelain", "-uno", "--", ".", *generated]
        changed = subprocess.run(status, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit.stdout.decode().strip() + ("+" if changed.stdout else "")


def print_list(rows):
    for row in rows:
        print("%-19s %s" % (row.name, row.title))
        print("%-19s   %s" % ("", ", ".join(server.name for server in table.servers_of(row))))


def run_row(runner, row, results):
    """Measures, prints and saves one row. Returns an exit code."""
    try:
        record = runner.run(row)
    except (suite.Skipped, programs.Missing) as reason:
        runner.shown.clear()
        print("%s: skipped: %s" % (row.name, reason), flush=True)
        return 0
    except servers.Failure as failure:
        runner.shown.clear()
        print("compare: %s: %s" % (row.name, failure), file=sys.stderr, flush=True)
        return EXIT_FAILED
    runner.shown.clear()
    record["commit"] = commit_of()
    print(document.row_text(row, record), flush=True)
    for name, reason in record["skipped"].items():
        print("skipped: %s: %s" % (name, reason), flush=True)
    # The kernel's part of a latency depends on chance more than CPU time does, so only the latter is a condition.
    if not records.holds(record, "cpu_us"):
        print("%s: not saved, because the control is off: repeat" % row.name, flush=True)
        return EXIT_CONTROL_OFF
    records.save(results, record)
    return 0


def write_documents(results, docs):
    saved = records.load(results, table.ROWS)
    os.makedirs(docs, exist_ok=True)
    with open(os.path.join(docs, "benchmarks.md"), "w", encoding="utf-8") as out:
        out.write(document.text(table.ROWS, saved))
    print("wrote %s" % os.path.join(docs, "benchmarks.md"))
    charts.draw(results, docs)


def measure_rows(arguments, results):
    settings = settings_of(arguments)
    found = programs.Programs(arguments.bin, SOURCE)
    codes = []
    with progress.Progress(1, "slices") as shown, suite.Suite(found, settings, arguments.peer, shown) as runner:
        left = suite.estimate(settings, runner, arguments.only)
        shown.total = max(1, left)
        for row in arguments.only:
            codes.append(run_row(runner, row, results))
            # Servers that were skipped, and attempts that were added, correct the estimate.
            left -= suite.estimate(settings, runner, [row])
            shown.total = max(1, shown.done + left)
    return max(codes)


def main():
    words = sys.argv[1:]
    if any(word == "--a" or word.startswith("--a=") for word in words):
        return pair.main(words)
    arguments = parse_arguments(words)
    if arguments.list:
        print_list(arguments.only)
        return 0
    results, docs = places_of(arguments)
    code = 0
    try:
        if not arguments.report:
            code = measure_rows(arguments, results)
        write_documents(results, docs)
    except (servers.Failure, programs.Missing) as failure:
        print("compare: %s" % failure, file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_FAILED
    return code


if __name__ == "__main__":
    sys.exit(main())
