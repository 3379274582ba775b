#!/usr/bin/env python3
"""Checks that each file that names evnet's version names that of net/base/version.h.

    version_test.py VERSION_H MODULE_BAZEL README CHANGELOG DEBIAN_CHANGELOG CMAKE_LISTS DEBIAN_CONTROL
"""

import re
import sys


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def find(path, pattern):
    """Returns the version that a file names; fails if the pattern does not occur."""
    match = re.search(pattern, read(path), re.M)
    if not match:
        sys.exit("%s names no version: %s" % (path, pattern))
    return match.group(1)


def main():
    header, module, readme, changelog, debian, cmake, control = sys.argv[1:]
    version = find(header, r'^#define EVNET_VERSION "([0-9.]+)"$')
    numbers = ".".join(find(header, r"^#define EVNET_VERSION_%s (\d+)$" % part) for part in ("MAJOR", "MINOR", "PATCH"))
    abi = find(cmake, r"^set\(EVNET_ABI (\d+)\)$")
    named = [
        (header, "the three numbers", numbers),
        (module, "module()", find(module, r'^    version = "([0-9.]+)",$')),
        (readme, "Status", find(readme, r"^\*\*Status\*\*: version ([0-9]+\.[0-9]+\.[0-9]+)")),
        (readme, "bazel_dep", find(readme, r'^bazel_dep\(name = "evnet", version = "([0-9.]+)"\)$')),
        (changelog, "the first heading", find(changelog, r"^## ([0-9.]+)")),
        (debian, "the first line", find(debian, r"\Aevnet \(([0-9.]+)\) ")),
    ]
    errors = ["%s: %s has version %s, and %s has %s" % (path, what, other, header, version)
              for path, what, other in named if other != version]
    # The Debian package of the shared library has the ABI's number in its name.
    packages = re.findall(r"^Package: libevnet(\d+)$", read(control), re.M)
    if packages != [abi]:
        errors.append("%s has the packages libevnet%s, and EVNET_ABI of %s is %s" % (control, packages, cmake, abi))
    for error in errors:
        print(error)
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
