#!/usr/bin/env python3
"""Draws the charts of docs/benchmarks.md with matplotlib (Debian: python3-matplotlib).

  benchmarks/charts.py RESULTS DOCS

Each SVG has its own background and follows the colour scheme of the reader, light or dark. A comment in it has
the digest of its data, so that a test can check that it shows the results without drawing it.
"""

import collections
import hashlib
import io
import json
import os
import re
import subprocess
import sys

import records
import table

# group: the section of the document. panels: a list of Panel.
Chart = collections.namedtuple("Chart", "file group kind title panels")
# bars: a list of Bar. lines of a latency chart: server -> values at PERCENTILES.
Panel = collections.namedtuple("Panel", "title bars lines")
Bar = collections.namedtuple("Bar", "server value low high")

PERCENTILES = [("p50", "p50_us"), ("p90", "p90_us"), ("p99", "p99_us"), ("p99.9", "p999_us")]

# file, group, kind, title, rows
_CHARTS = [
    (
        "benchmarks-echo.svg",
        "echo",
        "cpu",
        "TCP echo: CPU time of a request, relative to a bare epoll loop",
        ["echo-64", "echo-64-pipelined", "echo-64k"],
    ),
    (
        "benchmarks-http.svg",
        "http",
        "cpu",
        "HTTP: CPU time of a request, relative to the first server",
        ["http-hello", "http-pipelined", "http-1m"],
    ),
    (
        "benchmarks-resp.svg",
        "resp",
        "cpu",
        "RESP: CPU time of a request, relative to redis-server",
        ["resp-get", "resp-set", "resp-get-pipelined", "resp-set-pipelined"],
    ),
    (
        "benchmarks-proxy.svg",
        "proxy",
        "cpu",
        "TCP proxy: CPU time of a request, relative to haproxy",
        ["proxy-64", "proxy-64k"],
    ),
    ("benchmarks-echo-latency.svg", "echo", "latency", "TCP echo: latency at a fixed rate", ["echo-latency"]),
    ("benchmarks-http-latency.svg", "http", "latency", "HTTP: latency at a fixed rate", ["http-latency"]),
    ("benchmarks-resp-latency.svg", "resp", "latency", "RESP: latency at a fixed rate", ["resp-latency"]),
    ("benchmarks-proxy-latency.svg", "proxy", "latency", "TCP proxy: latency at a fixed rate", ["proxy-latency"]),
    ("benchmarks-idle.svg", "memory", "idle", "User memory of an idle connection, in bytes", ["idle-memory"]),
]

RATIO_MAX = 2.0  # longer bars are cut and marked

# Names in the charts, where the document has short ones.
_LABELS = {
    "floor-lt": "bare epoll loop",
    "floor-et": "edge-triggered loop",
    "floor-uring": "bare io_uring loop",
    "floor-http": "loop without a parser",
    "evnet": "evnet (epoll)",
    "evnet-uring": "evnet (io_uring)",
    "go-net": "Go net",
    "haproxy-splice": "haproxy (splice)",
}

# light: on white. dark: on GitHub's dark background. Each text has a contrast of at least 4.5 on its background.
_SCHEMES = {
    "paper": ("#ffffff", "#0d1117"),
    "ink": ("#24292f", "#e6edf3"),
    "muted": ("#57606a", "#9198a1"),
    "grid": ("#d8dee4", "#30363d"),
    "evnet": ("#0969da", "#4493f8"),
    "evnet2": ("#54aeff", "#1f6feb"),
    "floor": ("#24292e", "#d0d7de"),
    "other": ("#8c959f", "#6e7681"),
}
# For the lines of a latency chart, with enough contrast on both backgrounds.
_LINES = ["#bf8700", "#1a7f37", "#cf222e", "#8250df", "#bf3989", "#0f8a8a", "#9a6700", "#6e7781"]


# Their lines would hide others.
_NOT_IN_LATENCY = ("floor-et", "floor-uring")


def label(server):
    return _LABELS.get(server, server)


def short(title):
    """Returns the title of a row without the words that the title of the chart has."""
    return re.sub(r"^(TCP echo, |HTTP |RESP |TCP proxy, |User memory of )", "", title)


def panel_of(kind, row, record):
    if kind == "latency":
        lines = {
            server: [records.shorten(records.median(record, server, key)) for _, key in PERCENTILES]
            for server in record["servers"]
            if server not in _NOT_IN_LATENCY and not records.is_overloaded(record, server)
        }
        overloaded = [label(server) for server in record["servers"] if records.is_overloaded(record, server)]
        note = "; overloaded, so not shown: %s" % ", ".join(overloaded) if overloaded else ""
        return Panel("%s, %s requests/s%s" % (short(row.title), "{:,}".format(record["rate"]), note), [], lines)
    bars = []
    for server in record["servers"]:
        figure = records.figure(record, server, "bytes" if kind == "idle" else "cpu_us", record["base"])
        values = (figure.value, None, None) if kind == "idle" else (figure.ratio, figure.low, figure.high)
        bars.append(Bar(server, *(None if value is None else records.shorten(value) for value in values)))
    return Panel(short(row.title), bars, {})


def charts_of(saved):
    """Returns the charts that can be drawn from the records; a chart only has the rows that were measured."""
    rows = {row.name: row for row in table.ROWS}
    result = []
    for file, group, kind, title, names in _CHARTS:
        panels = [panel_of(kind, rows[name], saved[name]) for name in names if name in saved]
        if panels:
            result.append(Chart(file, group, kind, title, panels))
    return result


def digest(chart):
    """Returns a digest of all that the chart shows."""
    return hashlib.sha256(json.dumps(chart).encode()).hexdigest()[:16]


def mark(chart):
    return "<!-- data %s -->" % digest(chart)


def shows(svg, chart):
    """Returns whether the text of an SVG was drawn from the chart's data."""
    return mark(chart) in svg


def with_schemes(svg, chart):
    """Adds the dark colours and the mark. The light ones stay inline, for programs that ignore style sheets."""
    rules = "".join(
        '[style*="%s: %s"]{%s:%s !important}' % (key, light, key, dark)
        for light, dark in _SCHEMES.values()
        for key in ("fill", "stroke")
    )
    style = "<style>@media (prefers-color-scheme: dark){%s}</style>" % rules
    start = svg.index("<svg")
    end = svg.index(">", start) + 1
    return svg[:end] + "\n" + mark(chart) + "\n" + style + svg[end:]


def colour(name):
    return _SCHEMES[name][0]


def bar_colour(server):
    if server == "evnet":
        return colour("evnet")
    if server.startswith("evnet"):
        return colour("evnet2")
    return colour("floor") if server.startswith("floor") else colour("other")


def style_axes(axes):
    axes.set_facecolor(colour("paper"))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(colour("muted"))
    axes.tick_params(colors=colour("muted"), labelsize=9)
    axes.set_axisbelow(True)


def draw_bars(axes, panel, kind):
    """Draws horizontal bars with their values; thin lines are quartiles."""
    longest = max(bar.value for bar in panel.bars)
    end = RATIO_MAX if kind == "cpu" else longest * 1.2
    for y, bar in enumerate(panel.bars):
        cut = bar.value > end
        axes.barh(y, min(bar.value, end), color=bar_colour(bar.server), height=0.7)
        text = "%.2f" % bar.value if kind == "cpu" else "{:,.0f}".format(bar.value)
        edge = min(bar.value, end)
        if cut:
            text += ", cut"
        elif bar.low is not None:
            edge = min(bar.high, end)
            axes.plot([bar.low, edge], [y, y], color=colour("muted"), linewidth=1.2)
        axes.text(edge + end * 0.02, y, text, va="center", color=colour("ink"), fontsize=9)
    if kind == "cpu":
        axes.axvline(1.0, color=colour("muted"), linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set_xlim(0, end * 1.25)
    axes.set_yticks(range(len(panel.bars)))
    axes.set_yticklabels([label(bar.server) for bar in panel.bars], color=colour("ink"))
    axes.invert_yaxis()
    axes.xaxis.grid(True, color=colour("grid"), linewidth=0.6)
    axes.tick_params(axis="y", length=0)


def draw_lines(axes, ticker, panel):
    """Draws the percentiles of each server on a logarithmic axis."""
    free = iter(_LINES * 2)
    for server, values in panel.lines.items():
        ours = server.startswith("evnet") or server.startswith("floor")
        shade = bar_colour(server) if ours else next(free)
        width = 2.4 if server.startswith("evnet") else 1.4
        axes.plot(range(len(values)), values, marker="o", markersize=4, color=shade, linewidth=width, label=label(server))
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_minor_locator(ticker.NullLocator())
    axes.set_xticks(range(len(PERCENTILES)))
    axes.set_xticklabels([name for name, _ in PERCENTILES], color=colour("ink"))
    axes.set_ylabel("µs", color=colour("muted"))
    axes.yaxis.grid(True, color=colour("grid"), linewidth=0.6)
    legend = axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), fontsize=9, frameon=False)
    for text in legend.get_texts():
        text.set_color(colour("ink"))


def draw_chart(pyplot, ticker, chart):
    """Returns the text of the SVG."""
    if chart.kind == "latency":
        size = (7.8, 3.6)
    else:
        most = max(len(panel.bars) for panel in chart.panels)
        size = (3.6 * max(len(chart.panels), 2) if len(chart.panels) > 1 else 7.2, 1.1 + 0.27 * most)
    figure, all_axes = pyplot.subplots(1, len(chart.panels), figsize=size, squeeze=False)
    figure.patch.set_facecolor(colour("paper"))
    figure.suptitle(chart.title, fontsize=11, fontweight="bold", color=colour("ink"), x=0.01, ha="left")
    for axes, panel in zip(all_axes[0], chart.panels):
        style_axes(axes)
        axes.set_title(panel.title, fontsize=9, color=colour("muted"), loc="left")
        if chart.kind == "latency":
            draw_lines(axes, ticker, panel)
        else:
            draw_bars(axes, panel, chart.kind)
    figure.tight_layout()
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Title": chart.title}, facecolor=colour("paper"))
    pyplot.close(figure)
    return with_schemes(out.getvalue(), chart)


def draw_all(results, docs):
    import matplotlib

    matplotlib.use("svg")
    # Text stays text, so that a reader can search it. The salt makes the output the same in every run.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "evnet", "font.family": ["sans-serif"]})
    from matplotlib import pyplot, ticker

    for chart in charts_of(records.load(results, table.ROWS)):
        path = os.path.join(docs, chart.file)
        with open(path, "w", encoding="utf-8") as out:
            out.write(draw_chart(pyplot, ticker, chart))
        print("wrote %s" % path)


def draw(results, docs):
    """Draws all charts, in a python3 that has matplotlib: this one, or the system's."""
    for python in (sys.executable, "/usr/bin/python3"):
        has = subprocess.run([python, "-c", "import matplotlib"], capture_output=True, check=False)
        if has.returncode == 0:
            subprocess.run([python, os.path.abspath(__file__), results, docs], check=True)
            return
    print("the charts are not drawn, because matplotlib is not installed (Debian: python3-matplotlib)")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    draw_all(*sys.argv[1:])
