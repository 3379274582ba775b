"""Reruns an existing test over io_uring."""

load(":again.bzl", "again_test")

def evnet_uring_test(name, test, size = "small", **kwargs):
    """The same binary with EVNET_TEST_BACKEND=io_uring. It skips if the system does not permit io_uring.

    Args:
      name: the target's name.
      test: an evnet_cc_test whose fixture reads EVNET_TEST_BACKEND.
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
