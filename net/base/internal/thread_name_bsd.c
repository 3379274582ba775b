// macOS and the BSDs: names have no form that all of them share.
#include "net/base/thread.h"

void evnet_thread_set_name(const char *prefix, uint32_t index) {
  (void)prefix;
  (void)index;
}
