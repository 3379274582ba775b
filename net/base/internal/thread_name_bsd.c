// macOS and the BSDs do not share one function that sets a thread's name, so threads have none.
#include "net/base/thread.h"

void evnet_thread_set_name(const char *prefix, uint32_t index) {
  (void)prefix;
  (void)index;
}
