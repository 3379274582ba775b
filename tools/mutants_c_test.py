#!/usr/bin/env python3
"""Tests which slips mutants_c.py finds in a small file, and how it plants them."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mutants_c  # noqa: E402  # pylint: disable=wrong-import-position

TEXT = """// A file.
#include <errno.h>
static int run(struct thing *thing, int n) {
  const bool last = n == 1;
  if (n < 2) return -ENOMEM;  // too few
  for (int i = 0; i < n - 1; i++) step(thing, i);
  thing->count--;
  thing->busy = false;
  flush(thing);
  close(thing->descriptor);
  EVNET_ASSERT(n > 0);
  switch (n) {
    case EINTR:
      break;
  }
  return last ? 0 : n;
}
"""


class Slips(unittest.TestCase):
    def setUp(self):
        self.source = mutants_c.Source("net/x.c", TEXT)
        self.found = {slip.name: slip for slip in self.source.slips}

    def test_each_kind_is_found(self):
        self.assertEqual(
            sorted((slip.kind, slip.name[len("net/x.c run ") :]) for slip in self.source.slips),
            [
                ("bound", "`i < n - 1` becomes `i < n`"),
                ("bound", "`i < n - 1` becomes `i <= n - 1`"),
                ("bound", "`n < 2` becomes `n <= 2`"),
                ("call", "`close(thing->descriptor);` left out"),
                ("call", "`flush(thing);` left out"),
                ("call", "`step(thing, i);` left out"),
                ("count", "`thing->count--;` left out"),
                ("errno", "`-ENOMEM` becomes `- ENOBUFS`"),
                ("flag", "`thing->busy = false;` left out"),
                ("negated", "`last` negated"),
                ("negated", "`n < 2` negated"),
                ("negated", "`n == 1` negated"),
                ("swap", "`flush(thing); close(thing->descriptor);` swapped"),
            ],
        )

    def test_two_slips_of_one_place_share_it_and_lines_stay(self):
        one = self.found["net/x.c run `n < 2` negated"]
        two = self.found["net/x.c run `n < 2` becomes `n <= 2`"]
        one.number, two.number = 1, 2
        self.assertFalse(mutants_c.overlap(one, two))
        planted = self.source.plant([one, two])
        self.assertIn("if ((evnet_mutant(1) ? (!(n < 2)) : evnet_mutant(2) ? (n <= 2) : (n < 2))) return", planted)
        self.assertEqual(planted.split("#line 1\n")[1].count("\n"), TEXT.count("\n"))

    def test_a_statement_that_is_left_out_stays_one_statement(self):
        slip = self.found["net/x.c run `step(thing, i);` left out"]
        slip.number = 7
        planted = self.source.plant([slip])
        self.assertIn("i++) { if (evnet_mutant(7) {  } else { step(thing, i); } }".replace("(7)", "(7))"), planted)

    def test_a_swap_and_one_of_its_statements_exclude_each_other(self):
        swap = self.found["net/x.c run `flush(thing); close(thing->descriptor);` swapped"]
        call = self.found["net/x.c run `close(thing->descriptor);` left out"]
        self.assertTrue(mutants_c.overlap(swap, call))


if __name__ == "__main__":
    unittest.main()
