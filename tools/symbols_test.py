#!/usr/bin/env python3
"""Checks which made-up symbols and headers symbols.py rejects."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import symbols  # noqa: E402  # pylint: disable=wrong-import-position

HEADER = """// conn_comment(void) is in a comment.
#include "x.h"

#define conn_macro(x) (x)
struct conn_thing *conn_find(struct conn_thing *thing,
                             int size);
int conn_open(void);
EVNET_WARN_UNUSED int conn_add(void);
static inline int conn_inline(void) {
  return conn_open();
}
typedef int (*conn_callback)(void);
void evnet_conn_close(void);
"""


class Symbols(unittest.TestCase):

    def test_a_symbol_without_the_prefix_is_an_error(self):
        errors = symbols.foreign({"conn_open": "a.a[conn.o]", "evnet_conn_open": "a.a[conn.o]"})
        self.assertEqual(1, len(errors))
        self.assertIn("a.a[conn.o] defines conn_open", errors[0])

    def test_symbols_of_the_sanitizers_are_allowed(self):
        self.assertEqual([], symbols.foreign({"__odr_asan_gen_evnet_x": "a", "__llvm_profile_runtime": "a"}))

    def test_an_internal_function_needs_a_symbol_unless_it_has_the_prefix(self):
        self.assertEqual({"conn_add", "conn_find", "conn_open"}, symbols.declared_functions(HEADER))

    def test_names_are_sorted_and_their_symbols_have_the_prefix(self):
        text = symbols.names_header("reactor", {"b_x", "a_x"})
        self.assertIn("#pragma redefine_extname a_x evnet_internal_a_x\n#pragma redefine_extname b_x ", text)

    def test_the_include_is_sorted_into_the_others(self):
        line = '#include "net/x/internal/names.h"\n'
        self.assertEqual('#include <a.h>\n\n#include "net/a.h"\n%s#include "net/z.h"\nint x;\n' % line,
                         symbols.with_include('#include <a.h>\n\n#include "net/a.h"\n#include "net/z.h"\nint x;\n', line))
        self.assertEqual("#define EVNET_A_H_\n\n%s\nint x;\n" % line,
                         symbols.with_include("#define EVNET_A_H_\n\nint x;\n", line))

    def test_the_shared_library_exports_the_api_and_nothing_else(self):
        with tempfile.NamedTemporaryFile("w", suffix=".h") as file:
            file.write("EVNET_API EVNET_WARN_UNUSED int evnet_a(void);\nEVNET_API const char *\nevnet_b(int x);\nint evnet_c(void);\n")
            file.flush()
            declared = symbols.api([file.name])
        self.assertEqual({"evnet_a", "evnet_b"}, declared)
        errors = symbols.differences({"evnet_a", "evnet_c"}, declared)
        self.assertEqual(["the library exports evnet_c, which no header declares with EVNET_API",
                          "the library does not export evnet_b"], errors)


if __name__ == "__main__":
    unittest.main()
