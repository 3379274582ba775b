#!/usr/bin/env python3
"""Draws docs/peers.svg from benchmarks/results/peers.csv, with the standard library only.

  benchmarks/chart.py            write docs/peers.svg
  benchmarks/chart.py --check    exit with 1 if it differs from the output for the results
"""

import collections
import csv
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RESULTS = os.path.join(ROOT, "benchmarks", "results", "peers.csv")
CHART = os.path.join(ROOT, "docs", "peers.svg")

WIDTH = 780
BAR = 14  # height, with 4 between bars
COLOURS = {"epoll loop": "#57606a", "evnet": "#0969da", "libuv": "#8c959f", "libevent": "#c4ccd4"}
RATIO_MAX = 2.0  # longer bars are cut and marked
IDLE_MAX = 1200.0


def read_results():
    with open(RESULTS, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


class Drawing:
    def __init__(self):
        self.parts = []

    def text(self, x, y, words, size=12, anchor="start", weight="normal", colour="#24292f"):
        self.parts.append(
            '<text x="%g" y="%g" font-size="%d" text-anchor="%s" font-weight="%s" fill="%s">%s</text>'
            % (x, y, size, anchor, weight, colour, words)
        )

    def bar(self, x, y, width, server):
        self.parts.append(
            '<rect x="%g" y="%g" width="%.1f" height="%d" fill="%s"/>' % (x, y, width, BAR, COLOURS[server])
        )

    def line(self, x1, y1, x2, y2, dash=""):
        self.parts.append(
            '<line x1="%g" y1="%g" x2="%g" y2="%g" stroke="#24292f" stroke-dasharray="%s"/>' % (x1, y1, x2, y2, dash)
        )

    def svg(self, height):
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" '
            'font-family="DejaVu Sans, Helvetica, Arial, sans-serif" role="img" aria-labelledby="title">\n'
            '<title id="title">evnet, libuv and libevent as echo servers: CPU time a request and memory of an idle '
            "connection</title>\n"
            '<rect width="%d" height="%d" fill="#ffffff"/>\n%s\n</svg>\n'
        ) % (WIDTH, height, WIDTH, height, WIDTH, height, "\n".join(self.parts))


def draw_cpu(drawing, results, left, right):
    """Draws the CPU time per request, with a group of bars for each workload. Returns the lower end."""
    groups = collections.OrderedDict()
    for row in results:
        if row["measure"] == "cpu":
            groups.setdefault(row["workload"], []).append(row)
    scale = (right - left) / RATIO_MAX
    drawing.text(12, 22, "CPU time a request, relative to a bare epoll loop", 13, weight="bold")
    y = 56
    for workload, rows in groups.items():
        drawing.text(12, y - 5, workload, 12)
        for row in rows:
            value = float(row["value"])
            cut = value > RATIO_MAX
            drawing.text(left - 6, y + BAR - 3, row["server"], 11, "end")
            drawing.bar(left, y, scale * min(value, RATIO_MAX), row["server"])
            if cut:
                drawing.text(right - 6, y + BAR - 3, "%.1f, bar cut" % value, 11, "end")
            else:
                low, high = (left + scale * float(row[key]) for key in ("low", "high"))
                drawing.line(low, y + BAR / 2, high, y + BAR / 2)
                drawing.text(high + 5, y + BAR - 3, "%.2f" % value, 11)
            y += BAR + 4
        y += 22
    drawing.line(left + scale, 36, left + scale, y - 22, "4 3")
    drawing.text(left + scale, y - 8, "1.0: the loop itself (thin lines: quartiles)", 11, "middle", colour="#57606a")
    return y


def draw_idle(drawing, results, left, right):
    """Draws the memory of an idle connection. Returns the lower end."""
    drawing.text(left - 66, 22, "Bytes of an idle connection", 13, weight="bold")
    scale = (right - left) / IDLE_MAX
    y = 56
    for row in results:
        if row["measure"] != "idle":
            continue
        value = float(row["value"])
        drawing.text(left - 6, y + BAR - 3, row["server"], 11, "end")
        drawing.bar(left, y, scale * value, row["server"])
        drawing.text(left + scale * value + 5, y + BAR - 3, "{:,.0f}".format(value), 11)
        y += BAR + 10
    return y


def draw():
    results = read_results()
    drawing = Drawing()
    height = max(draw_cpu(drawing, results, 76, 440), draw_idle(drawing, results, 556, 740)) + 4
    return drawing.svg(height)


def main():
    chart = draw()
    if sys.argv[1:] == ["--check"]:
        with open(CHART, encoding="utf-8") as file:
            if file.read() != chart:
                print("docs/peers.svg does not show benchmarks/results/peers.csv: run benchmarks/chart.py")
                return 1
        return 0
    with open(CHART, "w", encoding="utf-8") as file:
        file.write(chart)
    return 0


if __name__ == "__main__":
    sys.exit(main())
