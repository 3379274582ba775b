// The main function of a fuzz target that is built without a fuzzing engine. It runs the target
// with the empty input, with each file in the arguments, and with each file of each directory in
// them. `bazel test` uses it to replay a corpus with any compiler; it also reproduces crashes
// without clang.

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

static size_t replay_count;

static int replay_file(const char *path, size_t size) {
  FILE *file = fopen(path, "rb");
  if (!file) return -errno;
  // Exactly `size` bytes, so that ASan detects a read past the end.
  uint8_t *data = malloc(size);
  int status = 0;
  if (size > 0 && (!data || fread(data, 1, size, file) != size)) status = -EIO;
  fclose(file);
  if (status == 0) {
    // Print first, so that the last line names the input if the target crashes.
    fprintf(stderr, "replay %s (%zu bytes)\n", path, size);
    LLVMFuzzerTestOneInput(data, size);
    replay_count++;
  }
  free(data);
  return status;
}

static int replay_path(const char *path);

static int replay_directory(const char *path) {
  struct dirent **entries;
  int count = scandir(path, &entries, NULL, alphasort);
  if (count < 0) return -errno;
  int status = 0;
  for (int i = 0; i < count; i++) {
    char child[4096];
    int length = snprintf(child, sizeof child, "%s/%s", path, entries[i]->d_name);
    if (entries[i]->d_name[0] != '.' && status == 0) {
      status = (size_t)length < sizeof child ? replay_path(child) : -ENAMETOOLONG;
    }
    free(entries[i]);
  }
  free(entries);
  return status;
}

static int replay_path(const char *path) {
  struct stat info;
  int status = stat(path, &info) ? -errno : 0;
  if (status == 0) {
    status =
        S_ISDIR(info.st_mode) ? replay_directory(path) : replay_file(path, (size_t)info.st_size);
  }
  if (status != 0) fprintf(stderr, "%s: %s\n", path, strerror(-status));
  return status;
}

int main(int argc, char **argv) {
  if (LLVMFuzzerInitialize) LLVMFuzzerInitialize(&argc, &argv);
  LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
  replay_count++;
  for (int i = 1; i < argc; i++) {
    // Ignore options; they are for a fuzzing engine.
    if (argv[i][0] != '-' && replay_path(argv[i]) != 0) return 1;
  }
  fprintf(stderr, "replayed %zu inputs\n", replay_count);
  return 0;
}
