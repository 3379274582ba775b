#include <stdio.h>

#include "net/base/thread.h"

void evnet_thread_set_name(const char *prefix, uint32_t index) {
  char name[16];
  (void)snprintf(name, sizeof name, "%s-%u", prefix, index);
  (void)pthread_setname_np(pthread_self(), name);
}
