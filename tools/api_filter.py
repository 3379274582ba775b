#!/usr/bin/env python3
"""Prints a header with its comments in doxygen's form, line for line: doxygen runs tools/api_filter.py FILE.

The headers keep plain comments. A comment becomes documentation if a declaration follows it without an empty line, or
if it follows a field on the same line; the comment at the top documents the file. A comment of fields that ends with a colon
documents each field up to the next empty line or comment. In a comment of a function

    //   name  text      becomes  @param name text, if the function has a parameter of that name
    // Returns: text     becomes  @return text
    // Errors:  -EX ...  becomes  a list with one item for each line that begins with a code; so does Done
    // Thread:  text     becomes  a paragraph with that title; so do Bounds and Default

and other text that is indented by three spaces or more is copied unchanged: examples, tables and pictures.
"""

import re
import sys

COMMENT = re.compile(r"^(\s*)//(.*)$")
TRAILING = re.compile(r"^(\s*[^/\s][^\"]*?[;,\w}\])])(\s+)//(.*)$")
# Aliases that api_reference.sh defines, except @return.
SECTION = {
    "Returns": "@return",
    "Errors": "@errors",
    "Thread": "@thread",
    "Done": "@done",
    "Bounds": "@bounds",
    "Default": "@bydefault",
}


def escape(text):
    text = re.sub(r"([\\@#%<>])", r"\\\1", text)
    return text.replace("::", "\\::")


def is_blank(body):
    return not body.strip()


def is_indented(body):
    return body.startswith("   ")


def parameters_of(lines, start):
    """Returns the parameter names of the function whose declaration begins at a line; none if it is not a function."""
    text = ""
    for line in lines[start : start + 14]:
        if line.startswith("#"):  # a pragma between a comment and its declaration
            continue
        text += re.sub(r"//.*", "", line) + " "
        if line.rstrip().endswith((";", "{")):
            break
    text = re.sub(r"EVNET_PRINTF\(.*?\)", "", text)
    text = re.sub(r"\(\*(\w+)\)\([^()]*\)", r"\1", text)  # replace a callback by its name
    match = re.match(r"[^(]*\b\w+\((.*)\)", text)
    return re.findall(r"(\w+)(?:\[\d*\])?\s*(?:,|$)", match.group(1)) if match else []


def contract(bodies, parameters):
    """Returns the text of a comment's lines in doxygen's form."""
    lines = []
    section = None  # the command of the current paragraph
    for number, body in enumerate(bodies):
        before = bodies[number - 1] if number else ""
        head = re.match(r"^ (\w+):\s+(.*)$", body)
        parameter = re.match(r"^   (\w+(?:, \w+)*)  +(\S.*)$", body)
        names = parameter.group(1).split(", ") if parameter else []
        if is_blank(body):
            section = None
            lines.append("")
        elif head and head.group(1) in SECTION:
            section = SECTION[head.group(1)]
            text = escape(head.group(2))
            lines.append("%s %s" % (section, "- " + text if section in ("@errors", "@done") else text))
        elif names and all(name in parameters for name in names):
            section = "@param"
            lines.append("@param %s %s" % (",".join(names), escape(parameter.group(2))))
        elif section in ("@errors", "@done") and is_indented(body):
            text = body.strip()
            begins = re.match(r"^(-E[A-Z]|0\b|EVNET_|those |the |After )", text) and before.rstrip().endswith((".", ";", ","))
            begins = begins or re.match(r"^(-E[A-Z]|EVNET_STATUS)", text)
            lines.append(("- " if begins else "  ") + escape(text))
        elif section:
            lines.append("  " + escape(body.strip()))
        elif is_indented(body):
            lines.append("     " + body)  # Markdown code, which is not escaped
        else:
            lines.append(escape(body.strip()))
    return lines


def filtered(lines):
    out = []
    depth = 0  # of braces; above 0 inside a struct or an enum
    number = 0
    in_field = False  # a comment after a field may continue on the next line
    group = ""  # the comment that documents the next fields
    while number < len(lines):
        line = lines[number]
        comment = COMMENT.match(line)
        trailing = TRAILING.match(line)
        if comment and in_field and len(comment.group(1)) > 12:
            out.append("%s///< %s" % (comment.group(1), escape(comment.group(2).strip())))
            number += 1
            continue
        in_field = False
        if comment or not line.strip():
            group = ""
        if comment:
            end = number
            while end < len(lines) and COMMENT.match(lines[end]):
                end += 1
            bodies = [COMMENT.match(text).group(2) for text in lines[number:end]]
            following = lines[end].strip() if end < len(lines) else ""
            is_file = number == 0
            is_documentation = is_file or (following and not following.startswith(("}", "#if", "#endif", "#pragma")))
            if depth and bodies[-1].endswith(":"):
                group = escape(" ".join(body.strip() for body in bodies)[:-1] + ".")
                is_documentation = False
            if following.startswith("#if") and end + 1 < len(lines) and "__cplusplus" in following:
                is_documentation = True
            if is_documentation:
                texts = contract(bodies, parameters_of(lines, end))
                if is_file:
                    texts[0] = "@header " + texts[0]
                out += ["%s/// %s" % (comment.group(1), text) if text else comment.group(1) + "///" for text in texts]
            else:
                out += lines[number:end]
            number = end
            continue
        if depth and trailing:
            in_field = True
            line = "%s%s///< %s" % (trailing.group(1), trailing.group(2), escape(trailing.group(3).strip()))
        elif depth and group and line.rstrip().endswith((";", ",")):
            line = "%s  ///< %s" % (line, group)
        code = re.sub(r"//.*", "", line)
        if not code.startswith(("#", 'extern "C"', "}  // ")) and code.strip() != "}":
            depth += code.count("{")
        if depth:
            depth -= code.count("}")
        out.append(line)
        number += 1
    return out


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        lines = file.read().split("\n")
    sys.stdout.write("\n".join(filtered(lines)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
