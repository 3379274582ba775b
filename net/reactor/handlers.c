#include "net/reactor/handlers.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

_Static_assert(EVNET_HANDLERS_MAX <= UINT8_MAX, "an index takes one byte, and one value is spare");

int evnet_handlers_create(const struct evnet_handler *handler, void *user,
                          const struct evnet_allocator *allocator,
                          struct evnet_handlers **out_handlers) {
  // Not zeroed, because most of the entries are never used and need no memory then.
  struct evnet_handlers *handlers = evnet_allocate(allocator, sizeof *handlers);
  if (handlers == NULL) return -ENOMEM;
  const int status = -pthread_mutex_init(&handlers->mutex, NULL);
  if (status < 0) {
    evnet_release(allocator, handlers);
    return status;
  }
  handlers->allocator = allocator;
  handlers->count = handlers->boot_count = 1;
  handlers->of[EVNET_HANDLER_FIRST] =
      (struct evnet_bound_handler){.handler = *handler, .user = user};
  *out_handlers = handlers;
  return 0;
}

static bool is_same(const struct evnet_bound_handler *entry, const struct evnet_handler *handler,
                    const void *user) {
  // A handler consists of pointers only, so it has no padding.
  return entry->user == user && memcmp(&entry->handler, handler, sizeof *handler) == 0;
}

int evnet_handlers_add(struct evnet_handlers *handlers, const struct evnet_handler *handler,
                       void *user) {
  if (handler == NULL) return EVNET_HANDLER_FIRST;
  (void)pthread_mutex_lock(&handlers->mutex);
  uint32_t index = 0;
  while (index < handlers->count && !is_same(&handlers->of[index], handler, user)) index++;
  int result = -ENOBUFS;
  if (index < EVNET_HANDLERS_MAX) {
    result = (int)index;
    if (index == handlers->count)
      handlers->of[handlers->count++] =
          (struct evnet_bound_handler){.handler = *handler, .user = user};
  }
  (void)pthread_mutex_unlock(&handlers->mutex);
  return result;
}

void evnet_handlers_end_boot(struct evnet_handlers *handlers) {
  (void)pthread_mutex_lock(&handlers->mutex);
  handlers->boot_count = handlers->count;
  (void)pthread_mutex_unlock(&handlers->mutex);
}

void evnet_handlers_destroy(struct evnet_handlers *handlers) {
  if (handlers == NULL) return;
  (void)pthread_mutex_destroy(&handlers->mutex);
  evnet_release(handlers->allocator, handlers);
}
