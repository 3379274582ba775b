"""The long forms of the reliability tests."""

load(":again.bzl", "again_test")

def evnet_nightly_test(name, test, backend = None, alone = True, tags = [], **kwargs):
    """The same binary with EVNET_TEST_LONG set, so that it runs its long form. It runs only if named.

    Args:
      name: the target's name.
      test: an evnet_cc_test that calls IsLong() of //net/base/testing:long.
      backend: "io_uring"; None: the default backend.
      alone: no other test runs simultaneously, because the test measures times.
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
