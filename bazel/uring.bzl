"""Runs a test that exists already over io_uring."""

load(":again.bzl", "again_test")

def evnet_uring_test(name, test, size = "small", **kwargs):
    """The same binary, told by EVNET_TEST_BACKEND to use io_uring; it skips where that is refused.

    Args:
      name: the target's name.
      test: an evnet_cc_test whose fixture heeds EVNET_TEST_BACKEND.
      size: of the test.
      **kwargs: as for any test.
    """
    again_test(
        name = name,
        size = size,
        test = test,
        variables = {"EVNET_TEST_BACKEND": "io_uring"},
        **kwargs
    )
