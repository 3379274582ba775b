#include "net/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void evnet_assert_failed(const char *expression, const char *file, int line) {
  fprintf(stderr, "evnet: %s:%d: assertion failed: %s\n", file, line, expression);
  abort();
}
