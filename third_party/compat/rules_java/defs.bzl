"""The part of rules_java that @bazel_tools loads, from the builtins of Bazel 4 and 5."""

# buildifier: disable=native-java
java_binary = native.java_binary
java_import = native.java_import
java_library = native.java_library
java_proto_library = native.java_proto_library
java_runtime = native.java_runtime
java_toolchain = native.java_toolchain
