"""The long forms of tests of reliability."""

load(":again.bzl", "again_test")

def evnet_nightly_test(name, test, backend = None, alone = True, tags = [], **kwargs):
    """The same binary, told by EVNET_TEST_LONG to take its time, and only when asked for.

    Args:
      name: the target's name.
      test: an evnet_cc_test that asks IsLong() of //net/base/testing:long.
      backend: "io_uring", or the default one.
      alone: no other test runs beside it, as it looks at times.
      tags: "manual" and "nightly" are added.
      **kwargs: as for any test.
    """
    variables = {"EVNET_TEST_LONG": "1"}
    if backend:
        variables["EVNET_TEST_BACKEND"] = backend
    again_test(
        name = name,
        size = "enormous",
        tags = tags + (["exclusive"] if alone else []) + [
            "manual",
            "nightly",
        ],
        test = test,
        variables = variables,
        **kwargs
    )
