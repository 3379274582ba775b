#!/usr/bin/env python3
"""Checks that the files of a library use each other in one direction.

    floors.py FLOORS OBJECT...

FLOORS lists the library's source files by floors, without their extensions, one floor for each line, from
top to bottom. A file may use functions and data of files on lower floors only, so there is no circle. A
line may also be:

    # ...            a comment
    circle: a b c    one floor whose files still use each other in a circle
    [x]              a file that some platforms or configurations do not build

The symbols of the compiled objects show what a file uses: a call, the address of a function, or a variable
of another file. Calls of inline functions do not count, but those that an inline function makes do.
"""

import os
import re
import subprocess
import sys

DEFINED = set("ABCDGRST")
UNDEFINED = set("UVWvw")
# The magic numbers of clang's files for link-time optimisation, bare or in a wrapper. nm cannot read them.
BITCODE = (b"BC\xc0\xde", b"\xde\xc0\x17\x0b")


class Refused(Exception):
    """The list of floors is invalid."""


class Floors:
    """A list of floors: the floor of each file, the circles, and the files that may be missing."""

    def __init__(self, text):
        self.floor_of = {}
        self.circles = []
        self.optional = set()
        lines = [line.split("#")[0].strip() for line in text.splitlines()]
        floors = [line for line in lines if line]
        for index, line in enumerate(floors):
            is_circle = line.startswith("circle:")
            names = (line[len("circle:"):] if is_circle else line).split()
            for word in names:
                self._add(word, len(floors) - index)
            if is_circle:
                self.circles.append({name.strip("[]") for name in names})

    def _add(self, word, floor):
        name = word.strip("[]")
        if word == "[%s]" % name:
            self.optional.add(name)
        elif word != name:
            raise Refused("'%s' is not the name of a file" % word)
        if name in self.floor_of:
            raise Refused("%s is listed twice" % name)
        self.floor_of[name] = floor

    def in_one_circle(self, a, b):
        return any(a in circle and b in circle for circle in self.circles)


def name_of(path):
    """Returns the source file of an object, without its extension: conn of x/_objs/loop/conn.pic.o."""
    return re.sub(r"(\.pic)?\.o$", "", os.path.basename(path))


def read_symbols(path):
    """Returns the symbols that an object defines and those that it uses."""
    with open(path, "rb") as file:
        nm = "llvm-nm" if file.read(4) in BITCODE else "nm"
    output = subprocess.run([nm, "-P", path], check=True, stdout=subprocess.PIPE).stdout.decode()
    defined, used = set(), set()
    for line in output.splitlines():
        fields = line.split()
        if len(fields) < 2:
            continue
        if fields[1] in DEFINED:
            defined.add(fields[0])
        elif fields[1] in UNDEFINED:
            used.add(fields[0])
    return defined, used


def find_uses(symbols):
    """Returns {(file, other file): the symbols of the other that the file uses}.

    symbols is {file: (the symbols it defines, those it uses)}.
    """
    owner = {symbol: name for name, (defined, _) in symbols.items() for symbol in defined}
    uses = {}
    for name, (_, used) in symbols.items():
        for symbol in sorted(used):
            other = owner.get(symbol, name)
            if other != name:
                uses.setdefault((name, other), []).append(symbol)
    return uses


def reachable(start, uses):
    """Returns all files that a file uses, directly or not."""
    found, pending = set(), [start]
    while pending:
        name = pending.pop()
        for a, b in uses:
            if a == name and b not in found:
                found.add(b)
                pending.append(b)
    return found


def check(floors, names, uses):
    """Returns the errors, one for each line."""
    errors = []
    for name in sorted(names - set(floors.floor_of)):
        errors.append("%s is on no floor" % name)
    for name in sorted(set(floors.floor_of) - names - floors.optional):
        errors.append("%s is on a floor, but the library has no such file" % name)
    for (name, other), symbols in sorted(uses.items()):
        if name not in floors.floor_of or other not in floors.floor_of:
            continue
        floor, other_floor = floors.floor_of[name], floors.floor_of[other]
        if other_floor < floor or floors.in_one_circle(name, other):
            continue
        errors.append("%s (floor %d) uses %s of %s (floor %d)" %
                      (name, floor, ", ".join(symbols), other, other_floor))
    for circle in floors.circles:
        inner = {edge: used for edge, used in uses.items() if circle.issuperset(edge)}
        for name in sorted(circle & names):
            if name not in reachable(name, inner):
                errors.append("%s is in no circle any more: give it a floor" % name)
    return errors


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    list_path, objects = sys.argv[1], sys.argv[2:]
    symbols = {}
    for path in objects:
        defined, used = read_symbols(path)
        # An object of the same source with and without -fPIC has the same symbols.
        before = symbols.setdefault(name_of(path), (set(), set()))
        symbols[name_of(path)] = (before[0] | defined, before[1] | used)
    try:
        with open(list_path, encoding="utf-8") as file:
            floors = Floors(file.read())
    except Refused as error:
        sys.exit("%s: %s" % (list_path, error))
    uses = find_uses(symbols)
    errors = check(floors, set(symbols), uses)
    for error in errors:
        print("%s: %s" % (list_path, error))
    print("%d files, %d uses between files, %d errors" % (len(symbols), len(uses), len(errors)))
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
