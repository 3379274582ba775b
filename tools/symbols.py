#!/usr/bin/env python3
"""Checks that evnet's archives define no symbols that could collide with a program's own.

    tools/symbols.py ARCHIVE...   each global symbol must begin with evnet_
    tools/symbols.py --shared LIBRARY HEADER...
                                  the shared library must export exactly the functions with EVNET_API
    tools/symbols.py --write      writes net/*/internal/names.h, and includes it in the internal headers

A function that several files of a layer share has a short name in the sources (conn_open), and a symbol that begins with
evnet_internal_: names.h has a #pragma redefine_extname for each function that the layer's internal headers declare. It
changes the symbol only, so debuggers and readers see the short name.
"""

import glob
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
PREFIX = "evnet_"
# The sanitizers and the coverage tools of gcc and clang define these.
TOOLS = re.compile(r"^(__|\.|_GLOBAL__|asan\.|DW\.ref)")
DECLARATION = re.compile(r"^(?!static |typedef |extern \"|//|#| |return )(?:EVNET_WARN_UNUSED )?[a-z_][\w \*]*?\b(\w+)\((?!\*)", re.M)


def defined(path, dynamic=False):
    """Returns {symbol: the object that defines it} of an archive or a library."""
    with open(path, "rb") as file:
        head = file.read(200)
    nm = "llvm-nm" if b"BC\xc0\xde" in head else "nm"
    command = [nm, "-P", "-A", "--defined-only"] + (["-D"] if dynamic else ["-g"])
    output = subprocess.run(command + [path], check=True, stdout=subprocess.PIPE).stdout.decode()
    found = {}
    for line in output.splitlines():
        match = re.match(r"(.*): (\S+) ([A-Z])", line)
        if match and match.group(3) not in "UA":
            found[re.sub("@.*", "", match.group(2))] = match.group(1)
    return found


def foreign(symbols):
    """Returns the errors of the symbols of archives."""
    return ["%s defines %s: declare it in net/*/internal/*.h and run tools/symbols.py --write" %
            (where, symbol) for symbol, where in sorted(symbols.items())
            if not symbol.startswith(PREFIX) and not TOOLS.match(symbol)]


def api(paths):
    """Returns the functions with EVNET_API in headers."""
    names = set()
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for declaration in re.findall(r"^EVNET_API [^;]*?\b(evnet_\w+)\(", file.read(), re.M):
                names.add(declaration)
    return names


def differences(exported, declared):
    """Returns the errors of a shared library's symbols."""
    errors = ["the library exports %s, which no header declares with EVNET_API" % name
              for name in sorted(exported - declared)]
    return errors + ["the library does not export %s" % name for name in sorted(declared - exported)]


def declared_functions(text):
    """Returns the functions that a header declares and that need another symbol."""
    return {name for name in DECLARATION.findall(text) if not name.startswith(PREFIX)}


def names_header(layer, names):
    guard = "EVNET_NET_%s_INTERNAL_NAMES_H_" % layer.upper()
    lines = ["// The symbols of this layer's internal functions. Written by tools/symbols.py --write.",
             "//",
             "// Without it they would collide with functions of a program that links the static library. The",
             "// functions keep their short names in the sources and in debuggers.",
             "#ifndef " + guard,
             "#define " + guard,
             ""]
    lines += ["#pragma redefine_extname %s evnet_internal_%s" % (name, name) for name in sorted(names)]
    return "\n".join(lines + ["", "#endif  // " + guard, ""])


def with_include(text, line):
    """Returns a header with an #include among its others."""
    own = list(re.finditer(r'^#include "net/.*"\n', text, re.M))
    after = [match.start() for match in own if match.group(0) > line] + [match.end() for match in own[-1:]]
    if after:
        return text[:after[0]] + line + text[after[0]:]
    last = list(re.finditer(r"^#(include .*|define EVNET_\w+_H_)\n", text, re.M))[-1].end()
    return text[:last] + "\n" + line + text[last:]


def write():
    for directory in sorted(glob.glob(os.path.join(ROOT, "net/*/internal"))):
        layer = os.path.basename(os.path.dirname(directory))
        own = "net/%s/internal/names.h" % layer
        names = set()
        for path in glob.glob(os.path.join(directory, "*.h")):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            if declared_functions(text):
                names |= declared_functions(text)
                if '#include "%s"' % own not in text:
                    with open(path, "w", encoding="utf-8") as file:
                        file.write(with_include(text, '#include "%s"\n' % own))
                    print("%s includes it now" % os.path.relpath(path, ROOT))
        if names:
            with open(os.path.join(ROOT, own), "w", encoding="utf-8") as file:
                file.write(names_header(layer, names))
            print("%s: %d functions" % (own, len(names)))


def main():
    arguments = sys.argv[1:]
    if arguments == ["--write"]:
        write()
        return
    if arguments[:1] == ["--shared"] and len(arguments) > 2:
        exported = {name for name in defined(arguments[1], dynamic=True) if not name.startswith("EVNET_")}
        errors = differences(exported, api(arguments[2:]))
        count = len(exported)
    elif arguments:
        symbols = {}
        for path in arguments:
            symbols.update(defined(path))
        errors = foreign(symbols)
        count = len(symbols)
    else:
        sys.exit(__doc__)
    for error in errors:
        print(error)
    print("%d symbols, %d errors" % (count, len(errors)))
    sys.exit(1 if errors or not count else 0)


if __name__ == "__main__":
    main()
