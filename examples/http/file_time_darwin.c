#include "examples/http/file_time.h"

struct timespec file_time_modified(const struct stat *facts) {
  return facts->st_mtimespec;
}
