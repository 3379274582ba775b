#!/usr/bin/env python3
"""Checks which small lists and made-up symbols floors.py rejects."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import floors  # noqa: E402  # pylint: disable=wrong-import-position


def errors(text, **uses):
    """Returns the errors of a list of floors, if each file uses the files named, such as top="low mid"."""
    symbols = {name: ({"f_" + name}, {"f_" + other for other in used.split()})
               for name, used in uses.items()}
    return floors.check(floors.Floors(text), set(symbols), floors.find_uses(symbols))


class Floors(unittest.TestCase):

    def test_a_file_may_use_lower_floors_and_other_libraries(self):
        self.assertEqual([], errors("top\nmid\nlow", top="low mid", mid="low malloc", low=""))

    def test_a_use_of_a_higher_floor_is_an_error(self):
        self.assertEqual(["low (floor 1) uses f_top of top (floor 2)"], errors("top\nlow", top="", low="top"))

    def test_a_use_within_a_floor_is_an_error(self):
        self.assertEqual(["a (floor 1) uses f_b of b (floor 1)"], errors("a b", a="b", b=""))

    def test_a_file_without_a_floor_is_an_error(self):
        self.assertEqual(["new is on no floor"], errors("low", low="", new="low"))

    def test_a_floor_without_a_file_is_an_error(self):
        self.assertEqual(["gone is on a floor, but the library has no such file"], errors("low gone", low=""))

    def test_a_file_of_another_platform_may_be_missing(self):
        self.assertEqual([], errors("[kqueue] epoll", epoll=""))
        self.assertEqual([], errors("[kqueue] epoll", epoll="", kqueue=""))

    def test_a_known_circle_is_allowed_but_nothing_above_it(self):
        text = "top\ncircle: a b\nlow"
        self.assertEqual([], errors(text, top="a", a="b low", b="a", low=""))
        self.assertEqual(["a (floor 2) uses f_top of top (floor 3)"],
                         errors(text, top="a", a="b top", b="a", low=""))

    def test_a_circle_that_shrinks_must_be_listed_so(self):
        self.assertEqual(["c is in no circle any more: give it a floor"],
                         errors("circle: a b c", a="b c", b="a", c=""))

    def test_a_name_stands_once_and_alone(self):
        for text in ["a\na", "a [a]", "[a", "a]"]:
            with self.assertRaises(floors.Refused):
                floors.Floors(text)

    def test_an_object_is_named_as_its_source(self):
        self.assertEqual("conn", floors.name_of("out/_objs/loop/conn.pic.o"))
        self.assertEqual("conn", floors.name_of("out/_objs/loop/conn.o"))


if __name__ == "__main__":
    unittest.main()
