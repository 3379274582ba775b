#!/usr/bin/env python3
"""Checks the manual pages that man.py makes of small headers."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import man  # noqa: E402  # pylint: disable=wrong-import-position

HEADER = """// A file.

#define OTHER 1

// evnet_thing_do does a thing.  It has
// two lines - with a dash.
//
//   thing  the thing.
//   size   its size, which
//          is large.
//
//     example();
//
// Returns: 0.
// Errors:  -EINVAL if it
//          is wrong.
//          -ENOMEM if memory runs out.
// Thread:  any.
EVNET_API EVNET_WARN_UNUSED int evnet_thing_do(struct evnet_thing *thing,
                                               size_t size);

// A thing. It has a field.
struct evnet_thing {
  int field;  // of the thing

  // .Dots stay dots.
  int other;
};
"""


class Man(unittest.TestCase):

    def setUp(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "thing.h")
            with open(path, "w", encoding="utf-8") as file:
                file.write(HEADER)
            self.items = man.read(path)
        self.pages = {item.name: man.page(item, "1.2.3") for item in self.items}

    def test_each_function_and_struct_has_a_page(self):
        self.assertEqual(["evnet_thing_do", "evnet_thing"], [item.name for item in self.items])

    def test_the_name_line_has_the_first_sentence(self):
        self.assertIn("\nevnet_thing_do \\- does a thing\n", self.pages["evnet_thing_do"])

    def test_the_synopsis_has_no_attributes(self):
        self.assertIn("\nint evnet_thing_do(struct evnet_thing *thing,\n                   size_t size);\n",
                      self.pages["evnet_thing_do"])

    def test_parameters_are_a_list(self):
        self.assertIn("\n.TP\n.I size\nits size, which\nis large.\n", self.pages["evnet_thing_do"])

    def test_an_example_is_copied(self):
        self.assertIn("\n.EX\n    example();\n.EE\n", self.pages["evnet_thing_do"])

    def test_each_error_begins_a_line(self):
        self.assertIn("\n.SH ERRORS\n\\-EINVAL if it\nis wrong.\n.br\n\\-ENOMEM if memory runs out.\n.SH THREAD\nany.\n",
                      self.pages["evnet_thing_do"])

    def test_the_declaration_of_a_struct_is_copied(self):
        self.assertIn("  int field;  // of the thing\n\\&\n  // .Dots stay dots.\n", self.pages["evnet_thing"])

    def test_the_overview_names_all(self):
        overview = man.overview(self.items, "1.2.3")
        self.assertIn(".BR evnet_thing_do (3)\ndoes a thing\n", overview)
        self.assertIn(".BR evnet_thing (3)\nA thing\n", overview)


if __name__ == "__main__":
    unittest.main()
