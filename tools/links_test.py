#!/usr/bin/env python3
"""Checks that links.py reports each kind of dead link, and no valid link."""

import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__))))
import links  # noqa: E402

GOOD = """# One heading, with `code`

[a](docs/other.md) [b](docs/other.md#two-words) [c](#one-heading-with-code) [d](https://example.org/x) [e](docs)

`[not a link](nowhere.md)`

```
[not a link](nowhere.md)
```
"""


class Links(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.root = self.directory.name
        subprocess.run(["git", "init", "-q", self.root], check=True)
        self.write("docs/other.md", "# Other\n\n## Two words\n")

    def tearDown(self):
        self.directory.cleanup()

    def write(self, name, text):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def faults(self):
        return links.check(self.root)[0]

    def test_live_links_and_code_are_passed_over(self):
        self.write("README.md", GOOD)
        self.assertEqual(self.faults(), [])

    def test_a_file_that_does_not_exist(self):
        self.write("docs/page.md", "\n[x](gone.md)\n")
        self.assertEqual(self.faults(), ["docs/page.md:2: gone.md: there is no such file"])

    def test_a_link_that_goes_over_two_lines(self):
        self.write("README.md", "[a page\nthat is gone](gone.md) and `code`\n")
        self.assertEqual(self.faults(), ["README.md:2: gone.md: there is no such file"])

    def test_an_image_that_does_not_exist(self):
        self.write("README.md", "![chart](docs/gone.svg)\n")
        self.assertEqual(len(self.faults()), 1)

    def test_a_heading_that_does_not_exist(self):
        self.write("README.md", "[x](docs/other.md#three-words)\n")
        self.assertEqual(
            self.faults(), ["README.md:1: docs/other.md#three-words: the document has no such heading"]
        )

    def test_a_document_that_a_comment_names(self):
        self.write("net/x.c", "// docs/other.md explains it, and docs/gone.md does not.\n")
        self.assertEqual(self.faults(), ["net/x.c:1: docs/gone.md: there is no such file"])


if __name__ == "__main__":
    unittest.main()
