#!/usr/bin/env python3
"""Checks how api_filter.py converts the comments of a header."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import api_filter  # noqa: E402


def filtered(text):
    return "\n".join(api_filter.filtered(text.split("\n")))


class ApiFilterTest(unittest.TestCase):
    def test_a_contract_becomes_commands_line_for_line(self):
        source = """// A file.

// f does it.
//
//   data  size bytes;
//         borrowed.
//
// Returns: 0.
// Errors:  -EINVAL if size is 0,
//          or odd.
//          -ENOMEM if memory runs out.
// Thread:  any.
int f(const void *data, int size);"""
        expected = """/// @header A file.

/// f does it.
///
/// @param data size bytes;
///   borrowed.
///
/// @return 0.
/// @errors - -EINVAL if size is 0,
///   or odd.
/// - -ENOMEM if memory runs out.
/// @thread any.
int f(const void *data, int size);"""
        self.assertEqual(filtered(source), expected)

    def test_an_example_stays_as_it_is(self):
        source = "// A file.\n\n// f does it:\n//\n//   f(a < b, \"@x\");\nint f(int a);"
        self.assertIn('///         f(a < b, "@x");', filtered(source))

    def test_special_characters_of_text_are_escaped(self):
        self.assertIn(r"/// at most \<count\>, \\n, unix://\@name", filtered("//\n\n// at most <count>, \\n, unix://@name\nint f(void);"))

    def test_a_callback_is_a_parameter(self):
        source = "//\n\n// f.\n//\n//   done  called once.\nint f(void (*done)(int status, void *user), void *user);"
        self.assertIn("/// @param done called once.", filtered(source))

    def test_comments_of_fields_document_them(self):
        source = "//\n\nstruct s {\n  int a;  // one\n  // two\n  int b;\n  // three:\n  int c;\n  int d;\n\n  int e;\n};"
        expected = "\nstruct s {\n  int a;  ///< one\n  /// two\n  int b;\n  // three:\n  int c;  ///< three.\n  int d;  ///< three.\n\n  int e;\n};"
        self.assertTrue(filtered(source).endswith(expected), filtered(source))

    def test_a_heading_documents_nothing(self):
        self.assertIn("\n// Writing\n", filtered("//\n\n// Writing\n\nint f(void);"))


if __name__ == "__main__":
    unittest.main()
