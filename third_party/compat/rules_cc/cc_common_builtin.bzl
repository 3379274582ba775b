"""A separate file, because a .bzl file cannot rebind a builtin that it reads."""

# buildifier: disable=native-cc-common
cc_common_builtin = cc_common
