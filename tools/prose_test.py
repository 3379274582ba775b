#!/usr/bin/env python3
"""Checks what prose.py finds in small sources, and what it accepts."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import prose  # noqa: E402


def found(path, source):
    return sorted((finding.line, finding.rule) for finding in prose.findings_of(path, source))


class ProseTest(unittest.TestCase):
    def test_each_rule_finds_its_words(self):
        excluded = {
            "tell": "The kernel is told.",
            "nobody": "It is closed when nobody reads.",
            "at-once": "It is sent at once.",
            "behind": "The peer closes behind the reply.",
            "has-not": "It returns an option that the system has not.",
            "there-is-not": "It fails for an index that there is not.",
            "is-no": "The file is no socket.",
            "so-many": "It waits so long.",
            "first-word": "What is left is dropped.",
            "who": "It is removed by who holds it.",
            "he": "A peer gets his bytes.",
            "stands": "The bytes stand queued.",
            "orderly-end": "It begins an orderly end.",
            "wants-to-know": "NULL if the caller does not want to know.",
        }
        self.assertEqual(set(excluded), {name for name, _, _ in prose.RULES})
        for rule, sentence in excluded.items():
            self.assertEqual(found("x.h", "// %s\n" % sentence), [(1, rule)], sentence)

    def test_plain_english_is_left_alone(self):
        for sentence in (
            "By default the kernel chooses a port.",
            "The header is behind the first 4 bytes of the buffer.",
            "The connection has not been accepted, or has not yet closed.",
            "There is no backlog, and it is no longer open.",
            "So many descriptors are open that accept(2) fails.",
            "What is a lease?",
            "The callback cannot tell which.",
            "The rule excludes `told` and `at once`.",
        ):
            self.assertEqual(found("x.md", sentence + "\n"), [], sentence)

    def test_a_phrase_is_found_across_lines_of_a_comment(self):
        self.assertEqual(found("x.c", "int a;\n// The peer sees it at\n// once, as it is sent.\n"), [(2, "at-once")])

    def test_comments_behind_fields_are_texts_of_their_own(self):
        source = "int a;  // closed at\nint b;  // once it is open\n"
        self.assertEqual(found("x.h", source), [])

    def test_a_message_is_checked_and_code_is_not(self):
        source = '#include "told.h"\nint told;\nvoid f(void) { log("nobody reads"); }\n'
        self.assertEqual(found("x.c", source), [(3, "nobody")])

    def test_markdown_is_checked_outside_of_code(self):
        source = "# What it is\n\n```\nhe\n```\n\n| a | told |\n\nIt is\nsent at\nonce.\n"
        self.assertEqual(found("x.md", source), [(7, "tell"), (9, "at-once")])

    def test_python_and_shell_are_checked(self):
        self.assertEqual(found("x.py", 'x = 1  # at once\ny = "nobody"\n'), [(1, "at-once"), (2, "nobody")])
        self.assertEqual(found("x.sh", "#!/bin/sh\n# told\necho 'at once'\n"), [(2, "tell"), (3, "at-once")])

    def test_an_entry_excuses_a_path_or_one_rule_of_it(self):
        entries = prose.read_allow("# comment\nnet/**.c\nREADME.md tell  # a reason\n")
        (finding,) = prose.findings_of("net/a/b.c", "// told\n")
        self.assertEqual(prose.excuse(finding, entries), entries[0])
        told, once = prose.findings_of("README.md", "It is told at once.\n")
        self.assertEqual(prose.excuse(told, entries), entries[1])
        self.assertIsNone(prose.excuse(once, entries))

    def test_one_star_stays_in_a_directory(self):
        self.assertTrue(prose.matches("net/*.c", "net/a.c"))
        self.assertFalse(prose.matches("net/*.c", "net/a/b.c"))
        self.assertTrue(prose.matches("net/**", "net/a/b.c"))

    def run_in_tree(self, allow):
        with tempfile.TemporaryDirectory() as root:
            os.mkdir(os.path.join(root, "tools"))
            for name, text in (("prose_allow.txt", allow), ("prose.py", open(os.path.join(HERE, "prose.py")).read())):
                with open(os.path.join(root, "tools", name), "w") as file:
                    file.write(text)
            with open(os.path.join(root, "a.h"), "w") as file:
                file.write("// told\n")
            subprocess.run(["git", "init", "-q", root], check=True)
            subprocess.run(["git", "-C", root, "add", "."], check=True)
            command = [sys.executable, os.path.join(root, "tools", "prose.py")]
            return subprocess.run(command, stdout=subprocess.PIPE, universal_newlines=True, check=False)

    @unittest.skipUnless(shutil.which("git"), "needs git")
    def test_the_exit_code_says_whether_the_tree_is_clean(self):
        self.assertEqual(self.run_in_tree("a.h\n").returncode, 0)
        dirty = self.run_in_tree("")
        self.assertEqual(dirty.returncode, 1)
        self.assertIn("a.h:1: tell: told", dirty.stdout)

    @unittest.skipUnless(shutil.which("git"), "needs git")
    def test_an_entry_that_excuses_nothing_is_an_error(self):
        stale = self.run_in_tree("a.h\nb.h\n")
        self.assertEqual(stale.returncode, 1)
        self.assertIn("tools/prose_allow.txt:2: the entry 'b.h' excuses nothing", stale.stdout)


if __name__ == "__main__":
    unittest.main()
