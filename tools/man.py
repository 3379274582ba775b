#!/usr/bin/env python3
"""Writes manual pages from the comments of the public headers: tools/man.py VERSION DIRECTORY HEADER...

Each function with EVNET_API, each struct and each enum gets a page NAME.3 in DIRECTORY; evnet.3 lists all. The form of the
comments is in CONTRIBUTING.md, Style.
"""

import os
import re
import sys

SECTIONS = {"Returns": "RETURN VALUE", "Errors": "ERRORS", "Thread": "THREAD", "Done": "RESULT", "Bounds": "BOUNDS",
            "Default": "DEFAULT"}


class Item:
    """A declaration with the lines of the comment above it."""

    def __init__(self, kind, name, declaration, comment, header):
        self.kind = kind
        self.name = name
        self.declaration = declaration
        self.comment = comment
        self.header = header


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text)


def read(path):
    """Returns the documented declarations of a header."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    items, comment, number = [], [], 0
    while number < len(lines):
        line = lines[number]
        if line.startswith("//"):
            comment.append(line[2:])
        elif line.startswith("EVNET_API") or re.match(r"(struct|enum) evnet_\w+ \{", line):
            is_function = line.startswith("EVNET_API")
            end = ";" if is_function else "};"
            declaration = [line]
            while not (declaration[-1].rstrip().endswith(end) and (is_function or declaration[-1].startswith("}"))):
                number += 1
                declaration.append(lines[number])
            text = "\n".join(declaration)
            if is_function:
                kind, name = "function", re.search(r"\b(evnet_\w+)\(", text).group(1)
            else:
                kind, name = re.match(r"(struct|enum) (evnet_\w+)", text).groups()
            items.append(Item(kind, name, text, comment, path))
            comment = []
        elif not line.startswith("#"):  # a pragma may be between a comment and its declaration
            comment = []
        number += 1
    return items


def brief(item):
    """Returns the first sentence of the comment, without the function's name."""
    text = " ".join(line.strip() for line in item.comment).strip()
    text = re.split(r"(?<=[^.])[.:;](?:\s|$)", text)[0]
    text = re.sub(r"^%s " % item.name, "", text)
    return text or "%s of evnet" % item.kind


def body(comment):
    """Returns the comment as requests of man(7). Other indented lines are copied unchanged."""
    out, is_verbatim = [], False
    for number, line in enumerate(comment):
        head = re.match(r"^ (\w+):\s+(.*)$", line)
        parameter = re.match(r"^   (\w+(?:, \w+)*)  +(\S.*)$", line)
        is_indented = line.startswith("   ")
        after_blank = number == 0 or not comment[number - 1].strip()
        if is_verbatim and not is_indented:
            out.append(".EE")
            is_verbatim = False
        if is_verbatim:
            out.append(escape(line[1:]))
        elif not line.strip():
            out.append(".PP")
        elif head and head.group(1) in SECTIONS:
            out += [".SH " + SECTIONS[head.group(1)], escape(head.group(2))]
        elif parameter:
            out += [".TP", ".I " + escape(parameter.group(1)), escape(parameter.group(2))]
        elif is_indented and after_blank:
            out += [".EX", escape(line[1:])]
            is_verbatim = True
        elif is_indented and re.search(r"[.;,]$", comment[number - 1]) and re.match(r"^ {4,}(-E[A-Z]|EVNET_STATUS|the |those )", line):
            out += [".br", escape(line.strip())]
        else:
            out.append(escape(line.strip()))
    if is_verbatim:
        out.append(".EE")
    return [line for number, line in enumerate(out)
            if line != ".PP" or (number + 1 < len(out) and not out[number + 1].startswith((".SH", ".PP", ".TP")))]


def synopsis(declaration):
    """Returns the lines of a function's declaration without evnet's attributes."""
    text = re.sub(r"\s*EVNET_PRINTF\(.*?\)", "", re.sub(r"^EVNET_API (EVNET_WARN_UNUSED )?", "", declaration))
    shift = len(declaration.split("\n")[0]) - len(text.split("\n")[0])
    return [re.sub("^ {0,%d}" % shift, "", line) if number else line for number, line in enumerate(text.split("\n"))]


def page(item, version):
    lines = ['.TH %s 3 "" "evnet %s" "evnet"' % (item.name, version), ".SH NAME",
             "%s \\- %s" % (item.name, escape(brief(item))), ".SH SYNOPSIS", ".nf", "#include <evnet/evnet.h>", ""]
    if item.kind == "function":
        lines += [escape(line) for line in synopsis(item.declaration)]
    else:
        lines.append("%s %s" % (item.kind, item.name))
    lines += [".fi", ".SH DESCRIPTION"] + (body(item.comment) or [escape(brief(item)) + "."])
    if item.kind != "function":
        lines += [".SH DECLARATION", ".EX"] + [escape(line) or "\\&" for line in item.declaration.split("\n")] + [".EE"]
    lines += [".SH SEE ALSO", ".BR evnet (3)", ""]
    return "\n".join(lines)


def overview(items, version):
    lines = ['.TH evnet 3 "" "evnet %s" "evnet"' % version, ".SH NAME", "evnet \\- event\\-loop networking framework",
             ".SH SYNOPSIS", ".nf", "#include <evnet/evnet.h>", "", "cc ... $(pkg\\-config \\-\\-cflags \\-\\-libs evnet)",
             ".fi", ".SH DESCRIPTION", "A program starts with",
             ".BR evnet_serve (3)", "or", ".BR evnet_server_create (3),", "and receives events through the callbacks of",
             ".BR evnet_handler (3).", ".BR evnet_options (3)", "has all options.", "Each declaration has a page:"]
    for header in sorted({item.header for item in items}):
        lines.append(".SS %s" % escape(header))
        for item in items:
            if item.header == header:
                lines += [".TP", ".BR %s (3)" % item.name, escape(brief(item))]
    return "\n".join(lines) + "\n"


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    version, directory = sys.argv[1:3]
    items = [item for path in sys.argv[3:] for item in read(path)]
    os.makedirs(directory, exist_ok=True)
    for item in items:
        with open(os.path.join(directory, item.name + ".3"), "w", encoding="utf-8") as file:
            file.write(page(item, version))
    with open(os.path.join(directory, "evnet.3"), "w", encoding="utf-8") as file:
        file.write(overview(items, version))
    print("%d manual pages in %s" % (len(items) + 1, directory))


if __name__ == "__main__":
    main()
