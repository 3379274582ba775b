"""Writes the seeds of a fuzz target, and its dictionary, from steps by their names.

A seed has the fields of the header that differ from the target's default, and steps that are separated by commas. A
step is a name and a number n; "!" before it sets bit 7. The numbers of the steps are read from the target's .h, or
from its .c if it has no .h.
"""

import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))


def step_numbers(target):
    path = os.path.join(HERE, target + ".h")
    if not os.path.exists(path):
        path = os.path.join(HERE, target + ".c")
    with open(path, encoding="utf-8") as source:
        text = source.read()
    numbers = {}
    for body in re.findall(r"enum (?:world|handler)_step \{(.*?)\};", text, re.DOTALL):
        numbers.update((name, int(value)) for name, value in re.findall(r"(\w+) = (\d+),", body))
    return numbers


def encode(step, numbers):
    words = step.split()
    name, n = words[0], int(words[1]) if len(words) > 1 else 0
    what = numbers[name.lstrip("!")] | (128 if name.startswith("!") else 0)
    return bytes([what, n & 255, n >> 8])


def write(target, default, seeds, lead=lambda header: ""):
    """lead: returns the steps that a seed with this header begins with."""
    numbers = step_numbers(target)
    directory = os.path.join(HERE, "corpus", target)
    os.makedirs(directory, exist_ok=True)
    for name, (changes, steps) in seeds.items():
        header = {**default, **changes}
        steps = ", ".join(part for part in (lead(header), steps) if part)
        with open(os.path.join(directory, name), "wb") as seed:
            seed.write(bytes(header.values()) + b"".join(encode(step, numbers) for step in steps.split(",") if step.strip()))
    with open(os.path.join(HERE, target + ".dict"), "w", encoding="utf-8") as dictionary:
        dictionary.write("# Written by %s_seeds.py: each step, with a small and a large n.\n" % target)
        for name in sorted(numbers):
            for n in (1, 3000):
                value = "".join("\\x%02x" % byte for byte in encode("%s %d" % (name, n), numbers))
                dictionary.write('%s_%d="%s"\n' % (name.lower(), n, value))
