"""The results of rows: their files, and the figures that follow from them.

A row has the file results/ROW.json. It has the samples of each server as columns, so that a figure can be computed
anew; and the machine, the date, the versions and the method of its own run.
"""

import collections
import json
import os
import re
import statistics

import measure

# A server that leaves more of the requests unsent does not sustain the rate of the open loop.
OVERDUE_MAX = 0.05

# value: the median; ratio, low, high: of the pairs with the base, None if there is no base.
Figure = collections.namedtuple("Figure", "value ratio low high")


def columns(samples):
    """Turns a list of measure.Sample into a dictionary of lists, without columns that are all zero."""
    table = {}
    for field in measure.Sample._fields:
        values = [shorten(getattr(sample, field)) for sample in samples]
        if any(values):
            table[field] = values
    return table


def shorten(value):
    """Rounds to five significant digits, which is beyond every figure that is printed."""
    return float("%.5g" % value)


def to_text(record):
    """Returns the text of the file of a record: JSON, with each list of numbers on one line."""
    text = json.dumps(record, indent=1)
    return re.sub(r"\[[\s\d.,eE+-]*\]", lambda match: " ".join(match[0].split()), text) + "\n"


def save(directory, record):
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, record["row"] + ".json")
    with open(path + ".new", "w", encoding="utf-8") as out:
        out.write(to_text(record))
    os.replace(path + ".new", path)


def load(directory, rows):
    """Returns the records of the rows that have been measured, by name."""
    records = {}
    for row in rows:
        path = os.path.join(directory, row.name + ".json")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                records[row.name] = json.load(file)
    return records


def median(record, server, measured):
    """Returns the median of a measure of a server, or None."""
    values = record["servers"].get(server, {}).get(measured)
    return statistics.median(values) if values else None


def figure(record, server, measured, versus):
    """Returns the Figure of a server; None if it was not measured."""
    values = record["servers"].get(server, {}).get(measured)
    if not values:
        return None
    others = record["servers"].get(versus, {}).get(measured) if versus else None
    if not others:
        return Figure(statistics.median(values), None, None, None)
    low, ratio, high = ratios(values, others)
    return Figure(statistics.median(values), ratio, low, high)


def ratios(numerators, denominators):
    """Returns the quartiles of the ratios of the pairs. Memory has too few values for quartiles: their range."""
    if len(numerators) >= 4:
        return measure.pair_ratios(numerators, denominators)
    values = [n / d for n, d in zip(numerators, denominators)]
    return [min(values), statistics.median(values), max(values)]


def control(record, measured):
    """Returns the median ratio of the control to the base, or None if the row has no control."""
    values = record.get("control", {}).get(measured)
    base = record["servers"][record["base"]].get(measured)
    if not values or not base:
        return None
    return ratios(values, base)[1]


def holds(record, measured):
    """Returns whether the control is within its limit. A row without a control holds."""
    ratio = control(record, measured)
    return ratio is None or abs(ratio - 1) <= measure.CONTROL_MAX


def is_saturated(record, server):
    busy = median(record, server, "busy")
    return busy is not None and busy >= measure.BUSY_MIN


def overdue_share(record, server):
    """Returns the share of the requests of the open loop that were due and never sent."""
    due = record["rate"] * record["method"]["slice_seconds"]
    return (median(record, server, "overdue") or 0) / due


def is_overloaded(record, server):
    return overdue_share(record, server) > OVERDUE_MAX


def verdict(record, bar):
    """Returns the value that a bar limits, and `met`, `missed` or `control off`; None if it was not measured."""
    result = figure(record, bar.server, bar.measure, bar.versus)
    if result is None or (bar.versus and result.ratio is None):
        return None
    value = result.ratio if bar.versus else result.value
    if not holds(record, bar.measure):
        return value, "control off"
    good = (bar.most is None or value <= bar.most) and (bar.least is None or value >= bar.least)
    return value, "met" if good else "missed"
