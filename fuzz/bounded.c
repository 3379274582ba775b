// Makes `bazel test --config=fuzz //fuzz:x` search for a bounded time.
//
// Bazel passes the files of the corpus as arguments, which libFuzzer would only replay. libFuzzer calls
// LLVMFuzzerInitialize before it reads the arguments. Under `bazel test`, it replaces the files by their directories,
// and adds the limits.
//
//   EVNET_FUZZ_SECONDS            duration of the search, by default 20; 0: only replay the corpus
//   TEST_TMPDIR                   gets new inputs; Bazel removes it
//   TEST_UNDECLARED_OUTPUTS_DIR   gets the input that crashes, as x-crash-HASH; Bazel keeps it
//
// Options of the command line (--test_arg=-max_len=100) come last, so libFuzzer prefers them.

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { SECONDS_DEFAULT = 20, SECONDS_MAX = 1000000 };

static char new_inputs[4096], artifact_prefix[4096], max_total_time[64];
static char **arguments;  // static, so that LeakSanitizer sees it
static int arguments_count;

static _Noreturn void fail(const char *reason, const char *value) {
  fprintf(stderr, "%s: '%s'\n", reason, value);
  exit(2);
}

static void format(char *out, size_t size, const char *prefix, const char *middle,
                   const char *suffix) {
  int length = snprintf(out, size, "%s%s%s", prefix, middle, suffix);
  if (length < 0 || (size_t)length >= size) fail("path is too long", middle);
}

static long search_seconds(void) {
  const char *text = getenv("EVNET_FUZZ_SECONDS");
  if (!text || !*text) return SECONDS_DEFAULT;
  char *end;
  errno = 0;
  long seconds = strtol(text, &end, 10);
  if (errno || *end || seconds < 0 || seconds > SECONDS_MAX) {
    fail("EVNET_FUZZ_SECONDS must be a number of seconds, from 0 to 1000000", text);
  }
  return seconds;
}

static void add(char *argument) {
  for (int i = 1; i < arguments_count; i++) {
    if (strcmp(arguments[i], argument) == 0) return;
  }
  arguments[arguments_count++] = argument;
}

// The caller's arguments: options as they are, files as their directories.
static void add_arguments(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    if (argv[i][0] == '-') {
      add(argv[i]);
      continue;
    }
    char *slash = strrchr(argv[i], '/');
    if (!slash) fail("a file of the corpus needs a directory", argv[i]);
    *slash = '\0';
    add(argv[i]);
  }
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  const char *temporary = getenv("TEST_TMPDIR");
  const char *outputs = getenv("TEST_UNDECLARED_OUTPUTS_DIR");
  if (!temporary || !outputs) return 0;
  long seconds = search_seconds();
  if (seconds == 0) return 0;

  const char *slash = strrchr((*argv)[0], '/');
  const char *name = slash ? slash + 1 : (*argv)[0];
  char number[32];
  snprintf(number, sizeof number, "%ld", seconds);
  format(max_total_time, sizeof max_total_time, "-max_total_time=", number, "");
  format(new_inputs, sizeof new_inputs, temporary, "/new", "");
  char prefix[4096];
  format(prefix, sizeof prefix, "-artifact_prefix=", outputs, "/");
  format(artifact_prefix, sizeof artifact_prefix, prefix, name, "-");
  if (mkdir(new_inputs, 0700) && errno != EEXIST) fail(strerror(errno), new_inputs);

  static char limits[][32] = {
      "-timeout=10",
      "-rss_limit_mb=2048",
      "-verbosity=0",  // not a line for each new input
      "-print_final_stats=1",
  };
  enum { LIMITS_COUNT = sizeof limits / sizeof limits[0] };
  arguments = calloc((size_t)*argc + LIMITS_COUNT + 4, sizeof *arguments);
  if (!arguments) fail(strerror(ENOMEM), name);
  arguments[arguments_count++] = (*argv)[0];
  add(max_total_time);
  for (int i = 0; i < LIMITS_COUNT; i++) add(limits[i]);
  add(artifact_prefix);
  add(new_inputs);  // before the corpus: libFuzzer writes to the first directory
  add_arguments(*argc, *argv);
  *argc = arguments_count;
  *argv = arguments;
  return 0;
}
