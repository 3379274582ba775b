"""The part of rules_cc that @bazel_tools and evnet load, from the builtins of Bazel 4 and 5."""

# buildifier: disable=native-cc
cc_binary = native.cc_binary
cc_import = native.cc_import
cc_library = native.cc_library
cc_proto_library = native.cc_proto_library
cc_test = native.cc_test
cc_toolchain = native.cc_toolchain
cc_toolchain_suite = native.cc_toolchain_suite
objc_library = native.objc_library
