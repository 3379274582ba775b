// Changes to the caller's working directory before main, so that the relative paths of
// `bazel run //fuzz:x_bin -- NEW_DIR CORPUS_DIR` are resolved as in the shell. `bazel run` starts a
// program in its runfiles, and passes the caller's directory in the environment.

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void working_directory_enter(void) {
  const char *directory = getenv("BUILD_WORKING_DIRECTORY");
  if (directory && chdir(directory)) perror(directory);
}
