#!/usr/bin/env python3
"""Checks the English of comments, documents and messages: tools/prose.py [PATH...]

Prints each word or phrase that CONTRIBUTING.md excludes as FILE:LINE: RULE: SENTENCE, and exits with 1 if there is
one. PATH is a prefix that limits the files; without it, all files in git are checked.

tools/prose_allow.txt lists the exceptions, one for each line: a pattern of paths, and optionally the name of one rule. In
a pattern, `*` matches any characters except `/`, and `**` matches all. Without PATH, an entry that excuses nothing is also
an error, so that the list only shrinks. `--all` ignores the list, and `--count` prints the number of findings for each file.

It checks comments and string literals of C, C++ and Python, comments of shell and Bazel files, and Markdown without
code. A word in `backticks` is code.
"""

import argparse
import collections
import io
import os
import re
import subprocess
import sys
import tokenize

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ALLOW = os.path.join("tools", "prose_allow.txt")
SKIPPED = ("fuzz/corpus/", "LICENSE", ALLOW, "tools/prose.py", "tools/prose_test.py")

# A sentence with one of these words is about positions, so it may use "behind".
POSITIONS = r"\b(buffers?|blocks?|queues?|rings?|bytes?|spans?|pieces?|headers?|offset|fields?|proxy|firewall|NAT)\b"
PARTICIPLE = r"(?:\w+ly |yet |either |even )*(?:\w+ed|been|begun|become|come|done|gone|got|had|known|left|made|met|run|"
PARTICIPLE += r"read|said|seen|sent|set|shut|taken|written|given|put|lost|kept|built|found|held|paid|grown|won|led|cut)\b"

# The name, the replacement, and the excluded pattern, which is searched for in each sentence.
RULES = [
    ("tell", "return, report, call, notify", r"\b(?:tells|told|telling|(?<!cannot )tell)\b"),
    ("nobody", "name the actor", r"\b(?:no|some|any|every)body\b|\bwhoever\b"),
    ("at-once", "immediately, simultaneously, in one call", r"\bat once\b"),
    ("behind", "after; behind is for positions in a buffer", r"\bbehind\b"),
    ("has-not", "does not have, lacks", r"\b(?:has|have|had) not\b(?! %s)" % PARTICIPLE),
    ("there-is-not", "there is no; out of range", r"\bthere (?:is|are) not\b"),
    ("is-no", "is not a", r"(?<!there )\b(?:is|are|was) no (?!longer\b|more\b|less\b|later\b|better\b|worse\b|other\b)\w+"),
    ("so-many", "this many, for N ms, up to", r"\bso (?:many|long|much|few|little)\b(?! as\b)(?!.*\bthat\b)"),
    ("first-word", "subject first: the actor", r"(?-i:^(?:What|Who|Of|By(?! default\b)|Whoever|How what)\b)(?!.*\?$)"),
    ("who", "name the actor", r"\b(?:by|for|of|to|from|as|and|or|if) who\b|[;:,] who (?:is|has|does|gets|wants|needs)\b"),
    ("he", "it, they", r"\b(?:he|his|him|himself|she|her|hers)\b"),
    ("stands", "is queued, pending, buffered, unread", r"\bst(?:and|ands|ood|anding) (?:\w+ )?"
     r"(?:queued|unread|unsent|unacknowledged|there|behind|in front)\b|\bst(?:ands|ood) (?:for nothing|lying)\b"),
    ("orderly-end", "graceful shutdown", r"\borderly (?:end|way)\b"),
    ("wants-to-know", "may be NULL if it is not needed", r"\bwants? to know\b"),
]
RULES = [(name, instead, re.compile(pattern, re.IGNORECASE)) for name, instead, pattern in RULES]

Entry = collections.namedtuple("Entry", "line pattern rule")
Finding = collections.namedtuple("Finding", "path line rule instead sentence")


def c_texts(source):
    """Yields (line, text) of comments, joined with the lines that continue them, and of string literals."""
    comment = None  # [first line, texts of lines]
    token = re.compile(r'//[^\n]*|/\*.*?\*/|R"\((?:.|\n)*?\)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
    previous = None  # line and column of the last comment
    for match in token.finditer(source):
        text = match.group()
        line = source.count("\n", 0, match.start()) + 1
        column = match.start() - source.rfind("\n", 0, match.start())
        if text.startswith("//"):
            body = text[2:]
            alone = not source[match.start() - column + 1 : match.start()].strip()
            if comment and alone and previous == (line - 1, column):
                comment[1].append(body)
            else:
                if comment:
                    yield comment[0], comment[1]
                comment = [line, [body]]
            previous = (line, column)
        elif text.startswith("/*"):
            yield line, [re.sub(r"^\s*\* ?", "", part) for part in text[2:-2].split("\n")]
        elif text.startswith('"'):
            include = source.rfind("\n", 0, match.start()) + 1
            if not re.match(r"\s*#\s*include", source[include : match.start()]):
                yield line, [text[1:-1].replace("\\n", " ")]
    if comment:
        yield comment[0], comment[1]


def python_texts(source):
    comment = None
    for kind, text, (line, column), _, _ in tokenize.generate_tokens(io.StringIO(source).readline):
        if kind == tokenize.COMMENT:
            if comment and comment[2] == (line - 1, column):
                comment[1].append(text[1:])
                comment[2] = (line, column)
            else:
                if comment:
                    yield comment[0], comment[1]
                comment = [line, [text[1:]], (line, column)]
        elif kind == tokenize.STRING and not text.startswith(("r", "b")):
            yield line, text.strip("\"'").split("\n")
    if comment:
        yield comment[0], comment[1]


def hash_texts(source):
    comment = None
    for line, text in enumerate(source.split("\n"), 1):
        match = re.match(r"^\s*#(?!!)(.*)", text)
        if match and comment and comment[2] == line - 1:
            comment[1].append(match.group(1))
            comment[2] = line
        elif match:
            if comment:
                yield comment[0], comment[1]
            comment = [line, [match.group(1)], line]
        else:
            message = re.match(r"""^\s*(?:\w+ \|\| )?(?:echo|printf|fail|die|complain)\s+(?:-\w+ )?["'](.*)""", text)
            if message:
                yield line, [message.group(1)]
    if comment:
        yield comment[0], comment[1]


def markdown_texts(source):
    """Yields paragraphs, list items and cells of tables, but not code and headings."""
    fenced = False
    paragraph = None
    for line, text in enumerate(source.split("\n") + [""], 1):
        if re.match(r"^\s*(```|~~~)", text):
            fenced = not fenced
            text = ""
        starts_anew = re.match(r"^\s*([-*+]|\d+\.) ", text) or text.lstrip().startswith("|")
        if paragraph and (fenced or not text.strip() or text.startswith("#") or starts_anew):
            yield paragraph[0], paragraph[1]
            paragraph = None
        if fenced or not text.strip() or text.startswith(("#", "    ")):
            continue
        if text.lstrip().startswith("|"):
            for cell in text.strip().strip("|").split("|"):
                yield line, [cell]
        elif paragraph:
            paragraph[1].append(text)
        else:
            paragraph = [line, [re.sub(r"^\s*([-*+]|\d+\.) ", "", text)]]


def texts_of(path, source):
    if path.endswith((".c", ".h", ".cc")):
        return c_texts(source)
    if path.endswith(".py"):
        return python_texts(source)
    if path.endswith(".md"):
        return markdown_texts(source)
    if path.endswith((".sh", ".bzl", ".bazel", ".BUILD")) or source.startswith("#!") or "WORKSPACE" in path:
        return hash_texts(source)
    return ()


def sentences(first_line, lines):
    """Yields (line, sentence, the same without code). An empty line and an aligned column begin a new sentence."""
    text = ""
    starts = []  # (position in text, line)
    for number, line in enumerate(lines):
        column = re.match(r"^\s*\S+(?: \S+)?  +(?=\S)|^ *[-*] ", line)
        if not line.strip():
            text += "\0"
        elif column:
            text += "\0"
            line = line[column.end() :]
        starts.append((len(text), first_line + number))
        text += line.strip() + " "
    plain = re.sub(r"`[^`]*`", lambda match: "`" + "c" * (len(match.group()) - 2) + "`", text)
    position = 0
    for part in re.split(r"((?<=[.!?]) +(?=[\"'(]?[A-Z`])|\0)", text):
        sentence = part.strip(" \0")
        if sentence:
            at = position + len(part) - len(part.lstrip(" \0"))
            line = max((line for start, line in starts if start <= at), default=first_line)
            yield line, sentence, plain[at : at + len(sentence)]
        position += len(part)


def findings_of(path, source):
    for first_line, lines in texts_of(path, source):
        for line, sentence, plain in sentences(first_line, lines):
            for name, instead, pattern in RULES:
                if not pattern.search(plain):
                    continue
                if name == "behind" and re.search(POSITIONS, plain):
                    continue
                yield Finding(path, line, name, instead, sentence)


def read_allow(text):
    entries = []
    for line, row in enumerate(text.split("\n"), 1):
        words = row.split("#")[0].split()
        if words:
            entries.append(Entry(line, words[0], words[1] if len(words) > 1 else None))
    return entries


def matches(pattern, path):
    expression = "".join({"**": ".*", "*": "[^/]*"}.get(part, re.escape(part)) for part in re.split(r"(\*+)", pattern))
    return re.fullmatch(expression, path) is not None


def excuse(finding, entries):
    """Returns the entry that allows a finding, or None."""
    for entry in entries:
        if matches(entry.pattern, finding.path) and entry.rule in (None, finding.rule):
            return entry
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", metavar="PATH")
    parser.add_argument("--all", action="store_true", help="ignore tools/prose_allow.txt")
    parser.add_argument("--count", action="store_true", help="print the number of findings for each file")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    listed = subprocess.run(["git", "ls-files", "-z"], stdout=subprocess.PIPE, check=True, universal_newlines=True)
    entries = []
    if not arguments.all:
        with open(ALLOW, encoding="utf-8") as file:
            entries = read_allow(file.read())
    used = set()
    counts = collections.Counter()
    for path in listed.stdout.split("\0"):
        if not os.path.isfile(path) or path.startswith(SKIPPED):
            continue
        if arguments.paths and not path.startswith(tuple(arguments.paths)):
            continue
        try:
            with open(path, encoding="utf-8") as file:
                source = file.read()
        except UnicodeDecodeError:
            continue
        for finding in findings_of(path, source):
            entry = excuse(finding, entries)
            if entry:
                used.add(entry)
                continue
            counts[path] += 1
            if not arguments.count:
                print("%s:%d: %s: %s  [write: %s]" % (path, finding.line, finding.rule, finding.sentence, finding.instead))
    if arguments.count:
        for path, count in counts.most_common():
            print("%5d %s" % (count, path))
    stale = [] if arguments.paths or arguments.all else [entry for entry in entries if entry not in used]
    for entry in stale:
        print("%s:%d: the entry '%s' excuses nothing; remove it" % (ALLOW, entry.line, entry.pattern))
    print("%d findings in %d files, %d stale entries" % (sum(counts.values()), len(counts), len(stale)))
    return 1 if counts or stale else 0


if __name__ == "__main__":
    sys.exit(main())
