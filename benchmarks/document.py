"""Writes docs/benchmarks.md from the records of the rows. All functions are pure."""

import collections

import charts
import records
import table

TITLES = {
    "echo": "TCP echo",
    "unix": "Unix stream echo",
    "udp": "UDP echo",
    "churn": "Short connections",
    "http": "HTTP",
    "resp": "RESP, the protocol of Redis",
    "proxy": "TCP proxy",
    "memory": "Memory",
}

# The columns of a kind: heading, and function of (record, server) that returns the text of a cell.
Column = collections.namedtuple("Column", "heading cell")

HEAD = """# Benchmarks

evnet beside bare loops, other libraries and other servers. This page and its charts are the output of one command,
which [benchmarks/README.md](../benchmarks/README.md) describes:

```sh
./setup.sh --peers
bazel run -c opt //benchmarks:compare
```

A *ratio* is the median of the pairs of a server and the base of its table, which ran in turn on the same core; its
quartiles are in brackets. Below 1 is better than the base. CPU time is the server's own, user and kernel. System calls
and context switches are counted in a run of their own, because counting takes time; they do not depend on the machine.
*Control* is the ratio of a second copy of the base to the base. A table is only shown if the CPU time of the control is
within 3 %. Requests a second are only shown if the server was the limit, that is, busy for 95 % of the time.
"""


def number(value):
    """Formats a number with about three significant digits; None is a dash."""
    if value is None:
        return "–"
    size = abs(value)
    if size >= 1000:
        return "{:,.0f}".format(value)
    if size >= 100:
        return "%.0f" % value
    return ("%.1f" if size >= 10 else "%.2f") % value


def ratio_text(figure):
    if figure is None or figure.ratio is None:
        return "–"
    return "%s (%s–%s)" % (number(figure.ratio), number(figure.low), number(figure.high))


def markdown_table(rows):
    """Returns the lines of a table, from a list of rows of cells; the first has the headings. Numbers are aligned."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    rule = "| " + " | ".join(["---"] + ["---:"] * (len(rows[0]) - 1)) + " |"
    return [lines[0], rule, *lines[1:]]


def median_cell(measured):
    return lambda record, server: number(records.median(record, server, measured))


def ratio_cell(measured):
    return lambda record, server: ratio_text(records.figure(record, server, measured, record["base"]))


def counter_cell(name):
    return lambda record, server: number(record.get("counters", {}).get(server, {}).get(name))


def rate_cell(record, server):
    return number(records.median(record, server, "rate") if records.is_saturated(record, server) else None)


def overdue_cell(record, server):
    return "%.1f %%" % (100 * records.overdue_share(record, server))


COLUMNS = {
    "cpu": [
        Column("CPU, µs a request", median_cell("cpu_us")),
        Column("ratio", ratio_cell("cpu_us")),
        Column("system calls a request", counter_cell("syscalls")),
        Column("context switches a request", counter_cell("switches")),
        Column("requests/s", rate_cell),
        Column("p99, µs", median_cell("p99_us")),
    ],
    "latency": [
        Column("p50, µs", median_cell("p50_us")),
        Column("p90, µs", median_cell("p90_us")),
        Column("p99, µs", median_cell("p99_us")),
        Column("p99.9, µs", median_cell("p999_us")),
        Column("ratio of p99.9", ratio_cell("p999_us")),
        Column("CPU, µs a request", median_cell("cpu_us")),
        Column("never sent", overdue_cell),
    ],
    "idle": [
        Column("bytes a connection", median_cell("bytes")),
        Column("ratio", ratio_cell("bytes")),
    ],
    "keys": [
        Column("bytes a key", median_cell("bytes")),
        Column("ratio", ratio_cell("bytes")),
    ],
}


def main_measure(kind):
    return {"cpu": "cpu_us", "latency": "p999_us"}.get(kind, "bytes")


def description(record):
    """Returns the sentence about the run of a row."""
    method = record["method"]
    parts = ["Base: %s" % record["base"], record["date"]]
    if record.get("commit"):
        parts.append("commit %s" % record["commit"])
    if record["kind"] in ("cpu", "latency"):
        parts.append("%d pairs of %g s" % (method["pairs"], method["slice_seconds"]))
        parts.append("control %.3f" % records.control(record, "cpu_us"))
    if record["kind"] == "latency":
        parts.append("control of p99.9 %.3f" % records.control(record, "p999_us"))
        parts.append("%s requests/s" % number(record["rate"]))
    return ", ".join(parts) + "."


def row_cells(record):
    columns = COLUMNS[record["kind"]]
    cells = [["server", *(column.heading for column in columns)]]
    for server in record["servers"]:
        cells.append([server, *(column.cell(record, server) for column in columns)])
    return cells


def lost_sentence(record):
    """Returns a sentence with the share of lost datagrams of each server that lost some, or an empty text."""
    shares = []
    for server, columns in record["servers"].items():
        lost = sum(columns.get("lost", []))
        if lost > 0:
            answered = sum(columns["rate"]) * record["method"]["slice_seconds"]
            shares.append("%s %.2g %%" % (server, 100 * lost / (lost + answered)))
    return "Datagrams without a reply within 0.2 s: %s." % ", ".join(shares) if shares else ""


def row_section(row, record):
    lines = ["### %s" % headline(row), "", description(record), ""]
    lines += markdown_table(row_cells(record)) + [""]
    lost = lost_sentence(record)
    return lines + ([lost, ""] if lost else [])


def headline(row):
    return row.title + (", open loop" if row.kind == "latency" else "")


def row_text(row, record):
    """Returns a row for a terminal: aligned columns."""
    cells = row_cells(record)
    widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]
    lines = ["%s: %s" % (row.name, headline(row)), description(record)]
    for line in cells:
        padded = [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:]))]
        lines.append("  " + "  ".join(padded).rstrip())
    return "\n".join(lines)


def bar_limit(bar):
    limit = "≤ %.4g" % bar.most if bar.most is not None else "≥ %.4g" % bar.least
    if bar.versus is None:
        return limit
    return limit + " of %s" % bar.versus


_MEASURES = {"cpu_us": "CPU", "rate": "requests/s", "p999_us": "p99.9", "bytes": "bytes"}


def bars_section(rows, saved):
    cells = [["row", "measure", "server", "limit", "measured", "result"]]
    for row in rows:
        for bar in row.bars:
            judged = records.verdict(saved[row.name], bar) if row.name in saved else None
            if judged is not None:
                value, result = judged
                text = "%.3f" % value if bar.versus else number(value)
                cells.append([headline(row), _MEASURES[bar.measure], bar.server, bar_limit(bar), text, result])
    if len(cells) == 1:
        return []
    lines = ["## Bars", "", "The limits that evnet sets itself, with what was measured."]
    return [*lines, "", *markdown_table(cells), ""]


def list_versions(saved):
    """Returns the versions of the other programs, each with all that were measured."""
    versions = collections.defaultdict(dict)
    for record in saved.values():
        for name, version in record["versions"].items():
            versions[name][version] = True
    return ", ".join("%s %s" % (name, " and ".join(versions[name])) for name in sorted(versions))


def machine_text(record):
    m = record["machine"]
    kind = "a virtual machine" if m["virtual"] else "a machine"
    method = record["method"]
    cpus = "1 CPU" if m["cpus"] == 1 else "%d CPUs" % m["cpus"]
    return "%s with %s, %s, %s, %s; servers on CPU %s, load on CPU %s; loopback" % (
        kind,
        cpus,
        m["cpu"],
        m["kernel"],
        m["system"],
        method["server_cpus"],
        method["load_cpus"],
    )


def machine_section(rows, saved):
    machines = collections.defaultdict(list)
    for row in rows:
        if row.name in saved:
            machines[machine_text(saved[row.name])].append(row.name)
    lines = ["## Machine and versions", ""]
    for text, names in machines.items():
        where = "" if len(machines) == 1 else " (%s)" % ", ".join(names)
        lines.append("- %s%s." % (text[0].upper() + text[1:], where))
    if list_versions(saved):
        lines.append("- %s." % list_versions(saved))
    dates = sorted({record["date"] for record in saved.values()})
    lines.append("- Measured %s." % (dates[0] if len(dates) == 1 else "%s to %s" % (dates[0], dates[-1])))
    lines.append("- The samples of all pairs are in [benchmarks/results/](../benchmarks/results).")
    return [*lines, ""]


def server_section(saved):
    used = {server for record in saved.values() for server in record["servers"]}
    cells = [["name", "server"]]
    for server in table.SERVERS:
        if server.name in used:
            cells.append([server.name, server.text])
    lines = markdown_table(cells)
    lines[1] = "| --- | --- |"
    return ["## Servers", "", *lines, ""]


def missing_section(rows, saved):
    """Names the rows and the servers that were not measured, so that their absence is not read as a choice."""
    rows_missing = [row.name for row in rows if row.name not in saved]
    skipped = collections.defaultdict(list)
    for name, record in saved.items():
        for server in record["skipped"]:
            skipped[server].append(name)
    lines = []
    if rows_missing:
        lines.append("- Rows without a valid run: %s." % ", ".join("`%s`" % name for name in rows_missing))
    for server, names in skipped.items():
        lines.append("- %s did not take part in %s." % (server, ", ".join("`%s`" % name for name in names)))
    return ["## Not measured", "", *lines, ""] if lines else []


def group_section(group, rows, saved):
    measured = [row for row in rows if row.group == group and row.name in saved]
    if not measured:
        return []
    lines = ["## %s" % TITLES[group], ""]
    for chart in charts.charts_of(saved):
        if chart.group == group:
            lines += ["![%s](%s)" % (chart.title, chart.file), ""]
    for row in measured:
        lines += row_section(row, saved[row.name])
    return lines


def text(rows, saved):
    """Returns the page for the records that were saved."""
    lines = [HEAD]
    if not saved:
        return HEAD + "\nNothing has been measured yet.\n"
    lines += bars_section(rows, saved)
    for group in table.GROUPS:
        lines += group_section(group, rows, saved)
    lines += server_section(saved) + machine_section(rows, saved) + missing_section(rows, saved)
    return "\n".join(lines).rstrip("\n") + "\n"
