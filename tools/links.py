#!/usr/bin/env python3
"""Checks the links of the documents: tools/links.py [ROOT]

Prints each dead link as FILE:LINE: TARGET: REASON, and exits with 1 if there is one. In the files that git has under ROOT
(default: this repository) it checks

- relative links and images of Markdown, with the heading after a #,
- documents that a comment or a BUILD file names, such as docs/reliability.md.

Links to other hosts are not followed.
"""

import os
import re
import subprocess
import sys

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|<img[^>]* src=\"([^\"]+)\"|<a[^>]* href=\"([^\"]+)\"")
# A path from the root. A bare file name is not checked, because its directory is unknown.
NAMED = re.compile(r"(?<![\w/.-])((?:docs|benchmarks|fuzz|net/[\w/]+)/[\w-]+\.md)\b")
SOURCES = (".c", ".h", ".cc", ".py", ".sh", ".bzl", ".bazel")


def git_files(root):
    out = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    return [name for name in os.fsdecode(out).split("\0") if name and os.path.exists(os.path.join(root, name))]


def prose(text):
    """Returns the text without fenced code and code spans, with unchanged line numbers."""
    lines = []
    fenced = False
    for line in text.split("\n"):
        fence = line.lstrip().startswith("```")
        lines.append("" if fence or fenced else line)
        fenced = fenced != fence
    return re.sub(r"`[^`]*`", lambda match: re.sub(r"[^\n]", "x", match.group()), "\n".join(lines))


def anchors(text):
    """Returns the anchors of a document's headings, as GitHub generates them."""
    found = set()
    fenced = False
    for line in text.split("\n"):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        match = re.match(r"#{1,6} +(.*?)\s*#*$", line)
        if fenced or not match:
            continue
        name = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match.group(1)).lower()
        name = re.sub(r"[^\w\- ]", "", name).replace(" ", "-")
        copies = sum(1 for other in found if re.fullmatch(re.escape(name) + r"(-\d+)?", other))
        found.add("%s-%d" % (name, copies) if copies else name)
    return found


def read(root, name):
    with open(os.path.join(root, name), encoding="utf-8", errors="replace") as file:
        return file.read()


def markdown_faults(root, name):
    text = prose(read(root, name))
    for match in LINK.finditer(text):
        target = next(group for group in match.groups() if group)
        if re.match(r"[a-z]+:", target):
            continue
        number = text.count("\n", 0, match.end()) + 1
        path, _, anchor = target.partition("#")
        whole = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
        if not os.path.exists(os.path.join(root, whole)):
            yield number, target, "there is no such file"
        elif anchor and whole.endswith(".md") and anchor not in anchors(read(root, whole)):
            yield number, target, "the document has no such heading"


def source_faults(root, name):
    for number, line in enumerate(read(root, name).split("\n"), 1):
        for match in NAMED.finditer(line):
            if not os.path.exists(os.path.join(root, match.group(1))):
                yield number, match.group(1), "there is no such file"


def check(root):
    """Returns the lines to print, and the number of documents."""
    lines = []
    documents = 0
    for name in git_files(root):
        if name.endswith(".md"):
            documents += 1
            faults = markdown_faults(root, name)
        elif name.endswith(SOURCES) and name != "tools/links_test.py":
            faults = source_faults(root, name)
        else:
            continue
        lines += ["%s:%d: %s: %s" % (name, *fault) for fault in faults]
    return lines, documents


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    lines, documents = check(root)
    for line in lines:
        print(line)
    print("%d documents, %d dead links" % (documents, len(lines)))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
